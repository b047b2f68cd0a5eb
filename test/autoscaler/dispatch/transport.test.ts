import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { HttpTransport } from '../../../autoscaler/dispatch/transport.ts';
import {
  decodeBatchRequest,
  encodeBatchReply,
  FRAME_CONTENT_TYPE,
} from '../../../packager/server/batch-frame.ts';

/** An instance with room for frames of so many bytes; it answers with what it is sent. */
async function tightInstance(roomBytes: number): Promise<{ url: string; frames: number[] }> {
  const frames: number[] = [];
  const server = createServer(async (request, response) => {
    const requests = decodeBatchRequest(await buffer(request));
    frames.push(requests.length);
    if (requests.reduce((sum, { body }) => sum + body.length, 0) > roomBytes) {
      response.writeHead(413).end('{"error":"too large"}');
      return;
    }
    const responses = requests.map(({ contentType, body }) => ({ status: 200, contentType, body }));
    const timing = { decodeMs: 1, executeMs: 2, encodeMs: 3, rows: requests.length };
    response.setHeader('content-type', FRAME_CONTENT_TYPE).end(encodeBatchReply({ responses, timing }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, frames };
}

it('sends a batch in halves that its instance has too little memory for', async () => {
  const { url, frames } = await tightInstance(250);
  const transport = new HttpTransport();
  onTestFinished(() => transport.close());
  const sizes = [100, 100, 100, 300];
  const requests = sizes.map((size) => ({ path: '/', contentType: 'x', body: new Uint8Array(size) }));
  const { responses, timing } = await transport.send(url, requests, 5000);
  expect(responses.map(({ status, body }) => [status, body.length])).toEqual([
    [200, 100],
    [200, 100],
    [200, 100],
    [413, '{"error":"too large"}'.length],
  ]);
  expect(frames).toEqual([4, 2, 2, 1, 1]);
  expect(timing).toEqual({ decodeMs: 2, executeMs: 4, encodeMs: 6, rows: 3 });
});
