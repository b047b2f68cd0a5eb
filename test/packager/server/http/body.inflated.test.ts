import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { BodyBudget } from '../../../../packager/server/http/body.ts';
import { bodyBytes, createHttpServer } from '../../../../packager/server/http/http-server.ts';

const LIMIT = 1_000_000;

let budget: BodyBudget;
let url: string;
let port: number;
beforeEach(async () => {
  budget = new BodyBudget(3 * LIMIT);
  const app = createHttpServer({
    maxBodyBytes: LIMIT,
    budget,
    logger: pino({ level: 'silent' }),
    isClosing: () => false,
  });
  app.post('/', async (request) => ({
    bytes: bodyBytes(request).length,
    begins: Buffer.from(bodyBytes(request)).toString('utf8', 0, 20),
    held: budget.usedBytes,
  }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
  url = `http://127.0.0.1:${port}`;
  onTestFinished(() => app.close());
});

async function post(body: Uint8Array | string, encoding: string, init: RequestInit = {}) {
  const bytes = Uint8Array.from(Buffer.from(body as string));
  const headers = { 'content-encoding': encoding };
  const response = await fetch(url, { method: 'POST', body: bytes, headers, ...init });
  const json = (await response.json()) as { error: string };
  return { status: response.status, headers: response.headers, json };
}

const PLAIN = JSON.stringify({ instances: [1, 2, 3] });

describe('a body in a coding', () => {
  test.each([
    ['gzip', gzipSync(PLAIN)],
    ['GZip ', gzipSync(PLAIN)],
    ['x-gzip', gzipSync(PLAIN)],
    ['gzip', Buffer.concat([gzipSync(PLAIN.slice(0, 5)), gzipSync(PLAIN.slice(5))])],
    ['deflate', deflateSync(PLAIN)],
    ['identity', Buffer.from(PLAIN)],
  ])('arrives as plain bytes (%s)', async (encoding, body) => {
    const { status, json } = await post(body, encoding);
    expect(status).toBe(200);
    expect(json).toEqual({ bytes: PLAIN.length, begins: PLAIN.slice(0, 20), held: PLAIN.length });
  });

  test('may be as large as a plain one, and no larger', async () => {
    const whole = Buffer.alloc(LIMIT, 'x');
    expect((await post(gzipSync(whole), 'gzip')).json).toMatchObject({ bytes: LIMIT, held: LIMIT });
    const { status, json } = await post(gzipSync(Buffer.alloc(LIMIT + 1, 'x')), 'gzip');
    expect([status, json.error]).toEqual([413, expect.stringContaining('larger than the 1000000 bytes')]);
    await until(() => budget.usedBytes === 0);
  });

  test('is inflated no further than its limit', async () => {
    const bomb = gzipSync(Buffer.alloc(300_000_000));
    expect(bomb.length).toBeLessThan(LIMIT);
    const before = process.memoryUsage().rss;
    const answers = await Promise.all(Array.from({ length: 3 }, () => post(bomb, 'gzip')));
    for (const { status } of answers) expect([413, 429]).toContain(status);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    await until(() => budget.usedBytes === 0);
  });

  test.each(['br', 'zstd', 'gzip, gzip', 'constructor', 'a'.repeat(1000)])(
    'that is not known is refused with its name (%#)',
    async (encoding) => {
      const { status, headers, json } = await post(PLAIN, encoding);
      expect(status).toBe(415);
      expect(json.error).toContain(`content encoding "${encoding.slice(0, 40)}`);
      expect(json.error.length).toBeLessThan(160);
      expect(headers.get('accept-encoding')).toBe('gzip, deflate');
    },
  );

  test.each([
    ['is not in it', Buffer.from(PLAIN)],
    ['is cut short', gzipSync(PLAIN).subarray(0, -6)],
    ['is damaged', Buffer.from(gzipSync('x'.repeat(1000))).fill(0xff, 12, 18)],
  ])('that %s is refused', async (_, body) => {
    const { status, json } = await post(body, 'gzip');
    expect(status).toBe(400);
    expect(json.error).toMatch(/^The body is not what its Content-Encoding says \(.+\)\.$/);
    await until(() => budget.usedBytes === 0);
  });

  test('gives back what it holds when its client goes', async () => {
    const noise = Buffer.from(Array.from({ length: 500_000 }, (_, index) => (index * 7919) ** 2 % 251));
    const body = gzipSync(noise);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, -10));
    await until(() => budget.usedBytes > 0);
    socket.destroy();
    await until(() => budget.usedBytes === 0);
  });

  test('is not asked for where its coding is not known', async () => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(
      'POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-encoding: br\r\ncontent-length: 5\r\n\r\n',
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
    expect(answer).toMatch(/connection: close/i);
  });
});

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error('it never came to hold');
    await sleep(10);
  }
}
