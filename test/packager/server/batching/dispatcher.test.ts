import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import { Dispatcher, type DispatcherOptions } from '../../../../packager/server/batching/dispatcher.ts';
import type { BatchResponse, InferenceRequest } from '../../../../packager/server/instance-protocol.ts';

const TIMING = { decodeMs: 0, executeMs: 0, encodeMs: 0, rows: 0 };

/** A dispatcher on a virtual clock whose batches end after exactly the time it expects them to take. */
function setUp(options: Partial<DispatcherOptions> = {}) {
  const clock = new VirtualClock();
  const batches: string[][] = [];
  const waits: number[] = [];
  const estimate = (requests: number): number => 10 + requests; // batching nearly for free
  const dispatcher = new Dispatcher({
    clock,
    queueLimit: 100,
    maxBatch: 4,
    sloMs: 100,
    maxWaitMs: 1000,
    estimate,
    onStart: (waitedMs) => waits.push(waitedMs),
    run: (requests) => {
      batches.push(requests.map(({ path }) => path));
      return new Promise<BatchResponse>((resolve) => {
        const responses = requests.map(({ body }) => ({ status: 200, contentType: 'text/plain', body }));
        clock.at(clock.nowMs() + estimate(requests.length), () => resolve({ responses, timing: TIMING }));
      });
    },
    ...options,
  });
  return { clock, dispatcher, batches, waits };
}

function request(path: string): InferenceRequest {
  return { path, contentType: 'application/json', body: new TextEncoder().encode(path) };
}

/** Lets time pass and, after every timer, what it has resolved. */
async function run(clock: VirtualClock, untilMs: number): Promise<void> {
  for (let nowMs = clock.nowMs(); nowMs <= untilMs; nowMs += 1) {
    clock.runUntil(nowMs);
    await new Promise(setImmediate);
  }
}

describe('dispatcher', () => {
  test('a lone request starts at once and gets its own answer', async () => {
    const { clock, dispatcher, batches } = setUp();
    const { answer } = dispatcher.submit(request('a'));
    expect(batches).toEqual([['a']]);
    await run(clock, 20);
    expect(new TextDecoder().decode((await answer).body)).toBe('a');
  });

  test('those who come while a batch runs go together, each gets its own answer', async () => {
    const { clock, dispatcher, batches, waits } = setUp();
    const answers = ['a', 'b', 'c', 'd', 'e'].map((path) => dispatcher.submit(request(path)).answer);
    expect(dispatcher.depth).toBe(4);
    await run(clock, 200);
    expect(batches).toEqual([['a'], ['b', 'c', 'd', 'e']]);
    const bodies = (await Promise.all(answers)).map(({ body }) => new TextDecoder().decode(body));
    expect(bodies).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(waits).toEqual([0, 11, 11, 11, 11]);
  });

  test('after batching has stopped each request runs on its own, and the queue knows', async () => {
    const { clock, dispatcher, batches } = setUp({ queueLimit: 4 });
    const answers = ['a', 'b', 'c', 'd', 'e'].map((path) => dispatcher.submit(request(path)).answer);
    dispatcher.stopBatching();
    await expect(dispatcher.submit(request('one too many')).answer).rejects.toMatchObject({
      code: 'OVERLOADED',
      details: { retryAfterMs: 4 * 11 },
    });
    await run(clock, 200);
    expect(batches).toEqual([['a'], ['b'], ['c'], ['d'], ['e']]);
    const bodies = (await Promise.all(answers)).map(({ body }) => new TextDecoder().decode(body));
    expect(bodies).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a full queue refuses with the time until it has room', async () => {
    const { dispatcher } = setUp({ queueLimit: 8 });
    for (let index = 0; index < 9; index += 1) dispatcher.submit(request(String(index)));
    await expect(dispatcher.submit(request('one too many')).answer).rejects.toMatchObject({
      code: 'OVERLOADED',
      details: { retryAfterMs: 2 * 14 },
    });
  });

  test('who waits for maxWaitMs is told so, while the batch before still runs', async () => {
    const { clock, dispatcher } = setUp({ maxWaitMs: 50, run: () => new Promise(() => {}) });
    dispatcher.submit(request('runs for ever'));
    const outcome = dispatcher.submit(request('waits')).answer.catch((error: unknown) => error);
    await run(clock, 49);
    expect(dispatcher.depth).toBe(1);
    await run(clock, 50);
    expect(dispatcher.depth).toBe(0);
    expect(await outcome).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('a request whose client hung up leaves the queue and is not run', async () => {
    const { clock, dispatcher, batches } = setUp();
    dispatcher.submit(request('a'));
    const gone = dispatcher.submit(request('gone'));
    dispatcher.submit(request('b'));
    gone.withdraw();
    await expect(gone.answer).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await run(clock, 200);
    expect(batches).toEqual([['a'], ['b']]);
  });

  test('a batch that fails fails its requests, and the next one runs', async () => {
    let runs = 0;
    const { clock, dispatcher } = setUp({
      run: async () => {
        runs += 1;
        throw new Error(`run ${runs} broke`);
      },
    });
    const answers = ['a', 'b'].map((path) => dispatcher.submit(request(path)).answer);
    const outcomes = Promise.allSettled(answers);
    await run(clock, 200);
    expect(await outcomes).toMatchObject([
      { reason: { message: 'run 1 broke' } },
      { reason: { message: 'run 2 broke' } },
    ]);
  });

  test('what waits is rejected when the process must go, what runs is not', async () => {
    const { clock, dispatcher } = setUp();
    const running = dispatcher.submit(request('runs'));
    const waiting = dispatcher.submit(request('waits')).answer.catch((error: unknown) => error);
    dispatcher.rejectWaiting(new Error('gone') as never);
    expect(await waiting).toMatchObject({ message: 'gone' });
    await run(clock, 20);
    expect((await running.answer).status).toBe(200);
  });
});
