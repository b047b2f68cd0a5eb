import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FaasCliRequests, PICTURE } from '../../end-to-end/faas-cli-requests.ts';
import { measuredCache, RunningService } from '../../end-to-end/running-service.ts';

interface Callback {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the results are sent to. */
class Receiver {
  readonly received: Callback[] = [];
  /** What the next ones are answered with, then 200. */
  readonly statuses: number[] = [];
  readonly #server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.received.push({
      path: request.url!,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    });
    response.statusCode = this.statuses.shift() ?? 200;
    response.end();
  });

  async open(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close().closeAllConnections();
  }

  async until(count: number): Promise<readonly Callback[]> {
    const giveUpAt = Date.now() + 40_000;
    while (this.received.length < count) {
      if (Date.now() > giveUpAt) throw new Error(`only ${this.received.length} of ${count} callbacks came`);
      await sleep(20);
    }
    return this.received;
  }
}

let cache: string;
let service: RunningService;
let cli: FaasCliRequests;
beforeAll(async () => {
  cache = await measuredCache();
  service = await RunningService.start();
  cli = new FaasCliRequests(service);
  await cli.deploy({ service: 'digits', image: 'mnist', labels: { 'infless.io/slo-ms': '500' } });
}, 60_000);
afterAll(async () => {
  await service.stop();
  await rm(cache, { recursive: true, force: true });
});

let receiver: Receiver;
let callbackUrl: string;
beforeEach(async () => {
  receiver = new Receiver();
  callbackUrl = await receiver.open();
});
afterEach(() => receiver.close());

describe('an asynchronous call', () => {
  it('is taken at once, and its result is sent with the headers of OpenFaaS', async () => {
    const answer = await cli.invokeAsync('digits.openfaas-fn', PICTURE, {
      'x-callback-url': `${callbackUrl}/result`,
      'x-call-id': 'mine',
    });
    expect([answer.status, answer.text, answer.headers.get('x-call-id')]).toEqual([202, '', 'mine']);
    expect(Number(answer.headers.get('x-start-time')) / 1e6).toBeCloseTo(Date.now(), -5);
    const [callback] = await receiver.until(1);
    const { path, headers, body } = callback!;
    expect(path).toBe('/result');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-call-id': 'mine',
      'x-function-name': 'digits.openfaas-fn',
      'x-function-status': '200',
    });
    expect(Number(headers['x-duration-seconds'])).toBeGreaterThan(0);
    expect((JSON.parse(body) as { predictions: number[][] }).predictions[0]).toHaveLength(10);
  });

  it('has an identifier of its own if it brings none, and counts as an invocation', async () => {
    const before = await invocations();
    const calls = await Promise.all(
      Array.from({ length: 40 }, () =>
        cli.invokeAsync('digits/v1/models/digits:predict', PICTURE, { 'x-callback-url': callbackUrl }),
      ),
    );
    expect(calls.every(({ status }) => status === 202)).toBe(true);
    const ids = calls.map(({ headers }) => headers.get('x-call-id'));
    expect(new Set(ids).size).toBe(40);
    const callbacks = await receiver.until(40);
    expect(callbacks.map(({ headers }) => headers['x-call-id']).sort()).toEqual(ids.sort());
    expect(callbacks.map(({ headers }) => headers['x-function-status'])).toEqual(Array(40).fill('200'));
    expect((await invocations()) - before).toBe(40);
  });

  it('tells errors as results', async () => {
    await cli.invokeAsync('digits', '{"instances": "none"}', { 'x-callback-url': callbackUrl });
    const [callback] = await receiver.until(1);
    expect(callback!.headers['x-function-status']).toBe('400');
    expect(JSON.parse(callback!.body)).toHaveProperty('error');
  });

  it('tells its result again where the callback failed, and not where it was refused', async () => {
    receiver.statuses.push(503, 410);
    const headers = { 'x-callback-url': callbackUrl };
    await cli.invokeAsync('digits', PICTURE, headers);
    const [failed, again] = await receiver.until(2); // the second one is refused
    expect(again).toEqual({ ...failed, headers: again!.headers });
    await cli.invokeAsync('digits', PICTURE, headers);
    const callbacks = await receiver.until(3);
    expect(callbacks[2]!.headers['x-call-id']).not.toBe(failed!.headers['x-call-id']);
    await untilAllOver();
    expect(receiver.received).toHaveLength(3);
  });

  it('needs no callback', async () => {
    const before = await invocations();
    expect((await cli.invokeAsync('digits', PICTURE)).status).toBe(202);
    await untilAllOver();
    expect((await invocations()) - before).toBe(1);
  });

  it.each([
    ['of no function', 'nothing', {}, 404],
    ['of no prediction', 'digits/v1/models/digits', {}, 405],
    ['with a callback that is no address', 'digits', { 'x-callback-url': 'file:///etc/passwd' }, 400],
    ['with a callback that is not even one', 'digits', { 'x-callback-url': 'here' }, 400],
  ])('is refused at once: %s', async (_what, address, headers, status) => {
    const answer = await cli.invokeAsync(address, PICTURE, headers);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      expect.stringMatching(/^text\/plain/),
    ]);
  });
});

async function invocations(): Promise<number> {
  const { text } = await service.request('GET', '/metrics');
  const counts = [...text.matchAll(/^gateway_function_invocation_total\{.*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function untilAllOver(): Promise<void> {
  const giveUpAt = Date.now() + 40_000;
  for (;;) {
    const { text } = await service.request('GET', '/metrics');
    if (/^infless_async_calls 0$/m.test(text)) return;
    if (Date.now() > giveUpAt) throw new Error('asynchronous calls never end');
    await sleep(20);
  }
}
