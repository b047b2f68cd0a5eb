import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BodyBudget } from '../../../../packager/server/http/body.ts';
import { createHttpServer } from '../../../../packager/server/http/http-server.ts';
import { ServerProcess, startServer, until } from '../server-process.ts';

const LIMIT = 1_000_000;
const HUGE = 100_000_000;

const server = new ServerProcess({ model: 'mnist', maxBodyBytes: LIMIT, cpuMillicores: 1000 });
beforeAll(async () => {
  await server.listening();
  await server.ready();
});
afterAll(() => server.kill());

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Everything the server sends until it closes the connection. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = open(port);
  socket.write(request);
  return text(socket);
}

/** Waits until the server has sent something that matches. */
async function received(socket: Socket, what: RegExp): Promise<string> {
  let all = '';
  while (!what.test(all)) {
    const [chunk] = (await once(socket, 'data')) as [string];
    all += chunk;
  }
  return all;
}

/** Sends `bytes` zeros, and goes on sending when the answer is there already. */
async function send(bytes: number, headers: Record<string, string | number>) {
  const request = httpRequest({ port: server.port, host: '127.0.0.1', method: 'POST', path: '/', headers });
  const chunk = Buffer.alloc(100_000);
  const zeros = Readable.from(Array(bytes / chunk.length).fill(chunk) as Buffer[]);
  zeros.pipe(request).on('error', () => {}); // the connection ends before all is sent
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

const TOO_LARGE = JSON.stringify({
  error: `The body is larger than the ${LIMIT} bytes taken here. Send fewer rows in a request.`,
});

describe('a body that is too large', () => {
  test('is refused before it is sent', async () => {
    const socket = open(server.port);
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${HUGE}\r\n\r\n{`);
    const answer = await received(socket, /\r\n\r\n\{.*\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/connection: close/i);
    expect(answer.endsWith(TOO_LARGE)).toBe(true);
  });

  test('is never asked for by a client that asks first', async () => {
    const ask = (length: number) =>
      `POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\n\r\n`;
    const large = open(server.port);
    large.write(ask(HUGE));
    expect(await received(large, /\}$/)).toMatch(/^HTTP\/1\.1 413 /);
    const small = open(server.port);
    small.write(ask(2));
    expect(await received(small, /\r\n\r\n$/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    small.write('{}');
    expect(await received(small, /\}$/)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each([
    ['with its length told', { 'content-length': HUGE }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('%s reaches its client as 413, and is not kept in memory', async (_, headers) => {
    const before = await server.metric('process_resident_memory_bytes');
    expect(await send(HUGE, headers)).toEqual({ status: 413, body: TOO_LARGE });
    const grown = (await server.metric('process_resident_memory_bytes')) - before;
    expect(grown).toBeLessThan(40_000_000);
    expect(await server.metric('infless_server_body_bytes')).toBe(0);
  });

  test('takes no more memory byte by byte than at once', async () => {
    const before = await server.metric('process_resident_memory_bytes');
    const socket = open(server.port);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    const bytes = 200_000; // held as pieces, they would take 86 MB
    socket.write('1\r\n \r\n'.repeat(bytes));
    await until(async () => (await server.metric('infless_server_body_bytes')) === bytes);
    expect((await server.metric('process_resident_memory_bytes')) - before).toBeLessThan(40_000_000);
    socket.write('0\r\n\r\n');
    expect(await received(socket, /\}$/)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('inside a batch, or at the limit: only beyond it', async () => {
    const atLimit = await server.post('/', `{"instances":[0]}${' '.repeat(LIMIT - 17)}`);
    expect(atLimit.status).toBe(400); // of the wrong shape, but read
    expect(await server.post('/', ' '.repeat(LIMIT + 1))).toMatchObject({ status: 413 });
  });
});

describe('what is not HTTP', () => {
  test.each([
    ['nonsense\r\n\r\n', '400 Bad Request', 'The request is not valid HTTP.'],
    ['POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', '400 Bad Request', 'not valid HTTP'],
    [
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
      'headers of the request are too large',
    ],
  ])('%.20s gets an answer in our shape', async (request, status, sentence) => {
    const answer = await exchange(server.port, request);
    expect(answer.startsWith(`HTTP/1.1 ${status}\r\n`)).toBe(true);
    const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { error: string };
    expect(error).toContain(sentence);
  });
});

test('all bodies together stay within bounds', async () => {
  const tight = await startServer({ model: 'mnist', maxBodyBytes: 1000, cpuMillicores: 1000 });
  const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n';
  const slow = Array.from({ length: 9 }, () => {
    const socket = open(tight.port);
    socket.write(head + ' '.repeat(999));
    return socket;
  });
  await until(async () => (await tight.metric('infless_server_body_bytes')) === 9 * 999);
  const refused = await tight.post('/', ' '.repeat(100));
  expect(refused.status).toBe(429);
  expect(await refused.json()).toEqual({ error: expect.stringMatching(/holds 8991 bytes of requests/) });
  for (const socket of slow) socket.destroy();
  await until(async () => (await tight.metric('infless_server_body_bytes')) === 0);
  expect((await tight.post('/', ' '.repeat(100))).status).toBe(400);
});

test('a body that does not come is given up', async () => {
  const app = createHttpServer({
    maxBodyBytes: 1000,
    budget: new BodyBudget(1000),
    logger: pino({ level: 'silent' }),
    isClosing: () => false,
    requestTimeoutMs: 100,
  });
  app.post('/', () => 'never');
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const answer = await exchange(port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n1');
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(answer).toMatch(/\{"error":"The request did not arrive in time\."\}$/);
});
