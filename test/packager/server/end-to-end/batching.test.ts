import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { farIds, slowEcho, tenIds } from '../server-models.ts';
import { ServerProcess, startServer, until } from '../server-process.ts';

const ROWS = 'infless_server_batch_rows';

async function echo(server: ServerProcess, value: number): Promise<number> {
  const response = await server.post('/', JSON.stringify({ instances: [[value]] }));
  expect(response.status).toBe(200);
  const { predictions } = (await response.json()) as { predictions: number[][] };
  return predictions[0]![0]!;
}

describe('a process that runs alone', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = new ServerProcess({
      model: await slowEcho(4),
      maxBatch: 4,
      sloMs: 5000,
      maxWaitMs: 60_000,
      cpuMillicores: 1000,
    });
    await server.listening();
    await server.ready();
  });
  afterAll(() => server.kill());

  test('those who wait for the same batch run together, and each gets its own answer', async () => {
    const [batches, rows] = [await server.metric(`${ROWS}_count`), await server.metric(`${ROWS}_sum`)];
    const long = server.post('/', JSON.stringify({ instances: Array(64).fill([0.5]) }));
    await until(async () => (await server.metric('infless_server_in_flight')) === 1);
    const values = Array.from({ length: 8 }, (_, index) => index);
    const answers = values.map((value) => echo(server, value));
    await until(async () => (await server.metric('infless_server_queue_depth')) === 8);
    expect((await long).status).toBe(200);
    for (const [index, answer] of (await Promise.all(answers)).entries())
      expect(answer).toBeCloseTo(index, 4);
    expect((await server.metric(`${ROWS}_sum`)) - rows).toBe(72);
    expect((await server.metric(`${ROWS}_count`)) - batches).toBe(3); // the long one, and two of four
  });

  test('a bad body among the others fails alone', async () => {
    const responses = await Promise.all(
      ['[[1]]', '[["x"]]', '[[3]]', '[[4]]'].map((rows) => server.post('/', `{"instances":${rows}}`)),
    );
    expect(responses.map(({ status }) => status)).toEqual([200, 400, 200, 200]);
  });
});

describe('while a long batch runs', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = new ServerProcess({
      model: await slowEcho(20),
      modelName: 'echo',
      maxBatch: 1,
      sloMs: 5000,
      queueLimit: 2,
      maxWaitMs: 300,
      cpuMillicores: 1000,
    });
    await server.listening();
    await server.ready();
  });
  afterAll(() => server.kill());

  /** A request of many rows, under way: resolves to whether it is still running. */
  async function longRun(): Promise<{ isRunning: () => boolean; done: Promise<number> }> {
    const started = 'infless_server_queue_seconds_count';
    const before = await server.metric(started);
    let running = true;
    const rows = JSON.stringify({ instances: Array.from({ length: 30 }, () => [1]) });
    const done = server.post('/', rows).then(({ status }) => {
      running = false;
      return status;
    });
    await until(async () => (await server.metric(started)) > before);
    await sleep(50); // decoding takes well under a millisecond: it is in the engine by now
    return { isRunning: () => running, done };
  }

  test('health, readiness, metrics and rejections answer at once', async () => {
    const { isRunning, done } = await longRun();
    for (const [path, status] of [
      ['/_/health', 200],
      ['/_/ready', 200],
      ['/metrics', 200],
      ['/v1/models/echo', 200],
      ['/v1/models/nope', 404],
    ] as const) {
      expect((await fetch(server.url + path)).status).toBe(status);
    }
    expect(isRunning()).toBe(true);
    expect(await done).toBe(200);
  });

  test('a full queue answers 429 with Retry-After, a long wait 504', async () => {
    const { isRunning, done } = await longRun();
    const body = JSON.stringify({ instances: [[1]] });
    const waiting = [server.post('/', body), server.post('/', body)];
    await until(async () => (await server.metric('infless_server_queue_depth')) === 2);
    const refused = await server.post('/', body);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await refused.json()).toEqual({
      error: expect.stringMatching(/^The queue is full \(2 requests wait\)/),
    });
    for (const response of await Promise.all(waiting)) {
      expect(response.status).toBe(504);
      expect(await response.json()).toEqual({ error: expect.stringMatching(/^The request waited 300 ms/) });
    }
    expect(isRunning()).toBe(true);
    expect(await done).toBe(200);
  });

  test('a request whose client hangs up leaves the queue', async () => {
    const { isRunning, done } = await longRun();
    const hangUp = new AbortController();
    const gone = fetch(server.url, {
      method: 'POST',
      body: JSON.stringify({ instances: [[1]] }),
      signal: hangUp.signal,
    });
    await until(async () => (await server.metric('infless_server_queue_depth')) === 1);
    hangUp.abort();
    await expect(gone).rejects.toThrow();
    await until(async () => (await server.metric('infless_server_queue_depth')) === 0);
    expect(await server.metric('infless_server_requests_total{code="499"}')).toBe(1);
    expect(isRunning()).toBe(true);
    expect(await done).toBe(200);
  });

  test('what remains of a request whose client hangs up is not computed', async () => {
    const executed = 'infless_server_execute_seconds_sum';
    const before = await server.metric(executed);
    const { done } = await longRun();
    await done;
    const whole = (await server.metric(executed)) - before;
    const hangUp = new AbortController();
    const started = await server.metric('infless_server_queue_seconds_count');
    const body = JSON.stringify({ instances: Array.from({ length: 30 }, () => [1]) });
    const abandoned = fetch(server.url, { method: 'POST', body, signal: hangUp.signal });
    await until(async () => (await server.metric('infless_server_queue_seconds_count')) > started);
    hangUp.abort();
    await expect(abandoned).rejects.toThrow();
    expect(await echo(server, 7)).toBeCloseTo(7, 4);
    expect((await server.metric(executed)) - before - whole).toBeLessThan(whole / 2);
  });
});

const COULD_NOT = 'generated inputs did not go through; first requests may be slow';

test('a model that does not take generated inputs serves real ones', async () => {
  const server = await startServer({ model: await farIds(), maxBatch: 4, sloMs: 2000 });
  expect(server.logged(COULD_NOT)).toHaveLength(1);
  const response = await server.post('/', JSON.stringify({ instances: [[1003]] }));
  expect(await response.json()).toEqual({ predictions: [[3]] });
});

test.each([{ sample: JSON.stringify({ instances: [[1004]] }) }, { sample: 'FILE' }])(
  'it warms up with a sample: %j',
  async ({ sample }) => {
    const model = await farIds();
    const file = `${model}.json`;
    await writeFile(file, JSON.stringify({ inputs: { ids: [[1004]] } }));
    const server = await startServer({
      model,
      maxBatch: 4,
      sloMs: 2000,
      sample: sample === 'FILE' ? file : sample,
    });
    expect(server.logged(COULD_NOT)).toHaveLength(0);
  },
);

test('ids are made up below the rows of their table; what breaks a run fails alone', async () => {
  const server = await startServer({ model: await tenIds(), maxBatch: 4, sloMs: 2000 });
  expect(server.logged(COULD_NOT)).toHaveLength(0);
  const responses = await Promise.all(
    [3, 99, 4, 5].map((id) => server.post('/', JSON.stringify({ instances: [[id]] }))),
  );
  expect(responses.map(({ status }) => status)).toEqual([200, 400, 200, 200]);
});
