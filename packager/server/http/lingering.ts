import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** How long a client may go on sending after our answer. */
const LINGER_MS = 2000;

/**
 * An answer given before the client has sent its whole body, on a connection that will be closed. Closing at
 * once would reset it, and a client that is still writing would see "connection reset" in place of our
 * answer. So the answer goes out whole, but ends only when the client stops sending; what comes meanwhile is
 * dropped.
 */
export function lingering(body: Uint8Array, request: IncomingMessage): Readable {
  const answer = new Readable({ read() {} });
  answer.push(body);
  const end = (): void => {
    clearTimeout(timer);
    request.off('end', end).off('close', end);
    answer.push(null);
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end).once('close', end).resume();
  return answer;
}
