import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What goes wrong before there is a request: the answer is written by hand, in our usual shape. */
const ANSWERS: Readonly<Record<string, { status: string; sentence: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    sentence: 'The request did not arrive in time.',
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    sentence: 'The headers of the request are too large.',
  },
};
const MALFORMED = { status: '400 Bad Request', sentence: 'The request is not valid HTTP.' };

export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || hasBegunToAnswer(socket)) {
    socket.destroy(error);
    return;
  }
  const { status, sentence } = ANSWERS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify({ error: sentence });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** A second answer behind the first one's headers would read as part of its body. */
function hasBegunToAnswer(socket: Socket & { _httpMessage?: ServerResponse }): boolean {
  return socket._httpMessage?.headersSent === true;
}
