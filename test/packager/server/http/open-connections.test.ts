import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OpenConnections } from '../../../../packager/server/http/open-connections.ts';

const TIMES = { arrivalMs: 150, answerMs: 600 };

let server: Server;
let connections: OpenConnections;
let waiting: ServerResponse[];
const sockets: Socket[] = [];

beforeEach(async () => {
  waiting = [];
  server = createServer((request, response) => {
    request.resume();
    if (request.url === '/now') response.end('now');
    else if (request.url === '/much') response.end(Buffer.alloc(64 << 20));
    else waiting.push(response);
  });
  connections = new OpenConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
});

async function send(what: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket.on('error', () => {}));
  await once(socket, 'connect');
  if (what !== '') socket.write(what);
  return socket;
}

async function close(): Promise<number> {
  const startMs = performance.now();
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  await connections.drain(TIMES, closed);
  return performance.now() - startMs;
}

test.each([
  ['nothing', ''],
  ['half a header', 'GET /now HTTP/1.1\r\nHost: a'],
  ['half a body', 'POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello'],
])('a client that has sent %s is waited for a short while', async (_, sent) => {
  await send(sent);
  expect(await close()).toBeLessThan(TIMES.answerMs);
});

test('a connection that is idle after an answer is not waited for', async () => {
  const socket = await send('GET /now HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  expect(await close()).toBeLessThan(TIMES.arrivalMs);
});

test('a request that arrived whole is answered first', async () => {
  const socket = await send('GET /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await expect.poll(() => waiting.length).toBe(1);
  setTimeout(() => waiting[0]!.end('at last'), 300);
  const answer = text(socket);
  expect(await close()).toBeGreaterThan(250);
  expect(await answer).toMatch(/at last/);
});

test('a client that does not read its answer is left, one that reads slowly is not', async () => {
  const hasty = createServer((_request, response) => response.end(Buffer.alloc(16 << 20)));
  new OpenConnections(hasty, { graceMs: 200, bytesPerMs: 10_000 });
  hasty.listen(0, '127.0.0.1');
  await once(hasty, 'listening');
  const { port } = hasty.address() as AddressInfo;
  const ask = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const reading = await ask();
  reading.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let bytes = 0;
  for await (const chunk of reading) bytes += (chunk as Buffer).length;
  expect(bytes).toBeGreaterThan(16 << 20);
  const idle = await ask();
  idle.pause();
  idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => countOf(hasty)).toBe(1);
  await expect.poll(() => countOf(hasty), { timeout: 5_000 }).toBe(0);
  hasty.close();
});

function countOf(of: Server): Promise<number> {
  return new Promise((resolve) => void of.getConnections((_error, count) => resolve(count)));
}

test('neither an answer that never comes nor one that is not read is waited for without end', async () => {
  await send('GET /later HTTP/1.1\r\nHost: a\r\n\r\n');
  (await send('GET /much HTTP/1.1\r\nHost: a\r\n\r\n')).pause();
  await expect.poll(() => waiting.length).toBe(1);
  const tookMs = await close();
  expect(tookMs).toBeGreaterThan(TIMES.answerMs - 50);
  expect(tookMs).toBeLessThan(TIMES.answerMs + 500);
});
