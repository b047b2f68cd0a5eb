import { beforeEach, describe, expect, it } from 'vitest';
import type { InstanceEndpoint } from '../../../autoscaler/cluster/instance.ts';
import { InstanceLost } from '../../../autoscaler/dispatch/dispatch-errors.ts';
import { Dispatcher } from '../../../autoscaler/dispatch/dispatcher.ts';
import type { BatchTransport, InstanceProbe } from '../../../autoscaler/dispatch/transport.ts';
import { ObservedTimes } from '../../../autoscaler/latency/observed-times.ts';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { pause } from '../../../models/base/clock.ts';
import type { InflessError } from '../../../models/base/errors.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { NO_COST } from '../../../profiles/capacity/batch-time.ts';
import { PROFILE } from '../../support/simulated-functions.ts';
import { advance } from '../../support/virtual-time.ts';

const BATCH_MS = 20;
const CONFIG = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };

interface Batch {
  readonly instance: string;
  readonly bodies: readonly string[];
  readonly atMs: number;
}

let clock: VirtualClock;
let dispatcher: Dispatcher;
let batches: Batch[];
let lost: { id: string; how: string }[];
let deaths: number;
let started: number;
/** What instances do that are asked whether they live; by default they answer and make progress. */
let probe: (url: string) => InstanceProbe;
/** Instances that answer no batch. */
let mute: Set<string>;
let running: InstanceEndpoint[];

/** One that dies is replaced at once, and its platform says that it ended by itself. */
function replace(id: string): void {
  deaths += 1;
  running = running.filter((each) => each.id !== id);
  dispatcher.instanceGone(id, true);
  start();
}

function start(): void {
  started += 1;
  const id = `i${started}`;
  running = [...running, { id, config: CONFIG, url: id }];
  dispatcher.setInstances(running);
}

const transport: BatchTransport = {
  async send(instance, requests, _timeoutMs, signal) {
    const bodies = requests.map(({ body }) => Buffer.from(body).toString());
    batches.push({ instance, bodies, atMs: clock.nowMs() });
    await pause(clock, mute.has(instance) ? 100_000 : BATCH_MS, signal);
    if (signal?.aborted) throw new InstanceLost('aborted');
    if (bodies.some((body) => body.startsWith('poison'))) {
      queueMicrotask(() => replace(instance));
      throw new InstanceLost('socket hang up');
    }
    return {
      responses: requests.map(({ contentType, body }) => ({ status: 200, contentType, body })),
      timing: { decodeMs: 0, executeMs: BATCH_MS, encodeMs: 0, rows: requests.length },
    };
  },
  probe: async (url) => probe(url),
};

beforeEach(() => {
  clock = new VirtualClock(1_000);
  [batches, lost, running, deaths, started, mute] = [[], [], [], 0, 0, new Set()];
  let runs = 0;
  probe = () => {
    runs += 1;
    return { isAlive: true, progress: runs };
  };
  dispatcher = new Dispatcher(
    {
      ...{ functionName: 'f', sloMs: 200, percentile: 99, latePolicy: 'serve' },
      ...{ maxWaitMs: 30_000, queueLimit: 100 },
    },
    {
      clock,
      transport,
      times: new ServiceTimes(PROFILE),
      observed: new ObservedTimes(() => NO_COST),
      onInstanceLost: (id, _reason, how) => lost.push({ id, how }),
    },
  );
});

async function call(body: string): Promise<string> {
  const request = { path: '/', contentType: 'text/plain', body: Buffer.from(body) };
  try {
    return String((await dispatcher.submit(request, clock.nowMs())).status);
  } catch (error) {
    return (error as InflessError).code;
  }
}

/** The codes that requests came to, by what they sent. */
function calls(bodies: readonly string[]): Map<string, string> {
  const outcomes = new Map<string, string>();
  for (const body of bodies) void call(body).then((outcome) => outcomes.set(body, outcome));
  return outcomes;
}

describe('a request that its instance dies of', () => {
  beforeEach(() => {
    for (let count = 0; count < 3; count += 1) start();
  });

  it('costs none of its batch mates, and two more instances at most', async () => {
    const good = Array.from({ length: 11 }, (_, index) => `good ${index}`);
    const outcomes = calls([...good, 'poison']);
    await advance(clock, 2_000);
    expect(outcomes.get('poison')).toBe('HARMFUL_REQUEST');
    for (const body of good) expect(outcomes.get(body), body).toBe('200');
    expect(deaths).toBe(3);
  });

  it('is refused without a run from then on, for five minutes', async () => {
    void call('poison');
    await advance(clock, 2_000);
    expect(deaths).toBe(2); // it was alone from the beginning
    const before = batches.length;
    expect(await call('poison')).toBe('HARMFUL_REQUEST');
    expect(batches.length).toBe(before);
    await advance(clock, 300_000);
    void call('poison');
    await advance(clock, 2_000);
    expect(deaths).toBeGreaterThan(2);
  });

  it('costs no more when it comes again and again', async () => {
    const outcomes: string[] = [];
    for (let index = 0; index < 50; index += 1) {
      void call('poison').then((outcome) => outcomes.push(outcome));
      void call(`good ${index}`).then((outcome) => outcomes.push(outcome));
      await advance(clock, 200);
    }
    await advance(clock, 2_000);
    expect(deaths).toBeLessThanOrEqual(3);
    expect(outcomes.filter((outcome) => outcome === '200')).toHaveLength(50);
    expect(outcomes.filter((outcome) => outcome === 'HARMFUL_REQUEST')).toHaveLength(50);
  });

  it('runs alone, on one instance at a time for all suspects', async () => {
    calls(['a', 'b', 'c', 'poison 1']);
    calls(['d', 'e', 'f', 'poison 2']);
    await advance(clock, 3_000);
    const alone = batches.slice(2);
    expect(alone.every(({ bodies }) => bodies.length === 1)).toBe(true);
    for (const [index, batch] of alone.slice(1).entries())
      expect(batch.atMs).toBeGreaterThanOrEqual(alone[index]!.atMs + BATCH_MS);
  });
});

it('a request whose instance was stopped under it is none, and is answered', async () => {
  start();
  const outcomes = calls(['poison']);
  queueMicrotask(() => dispatcher.instanceGone('i1', false));
  await advance(clock, 10);
  expect([...outcomes]).toEqual([]);
});

describe('an instance that answers no batch', () => {
  it('and no probe is left after a second, and its batch answered elsewhere', async () => {
    start();
    mute.add('i1');
    probe = (url) => ({ isAlive: url !== 'i1' });
    const outcomes = calls(['a', 'b']);
    await advance(clock, 10);
    start();
    await advance(clock, 1_000 + 5 * BATCH_MS);
    expect([...outcomes.values()]).toEqual(['200', '200']);
    expect(lost).toEqual([{ id: 'i1', how: 'silent' }]);
    expect(batches.at(-1)).toMatchObject({ instance: 'i2', bodies: ['a', 'b'] }); // they are no suspects
  });

  it('but makes progress is waited for', async () => {
    start();
    mute.add('i1');
    calls(['a']);
    await advance(clock, 20_000);
    expect(lost).toEqual([]);
  });

  it('and makes no progress is stuck, and is told so', async () => {
    start();
    mute.add('i1');
    probe = () => ({ isAlive: true, progress: 7 });
    const outcomes = calls(['a']);
    await advance(clock, 10);
    start();
    await advance(clock, 7_000);
    expect(lost).toEqual([{ id: 'i1', how: 'stuck' }]);
    expect([...outcomes.values()]).toEqual(['200']);
  });
});

it('a batch that comes back is not refused by the limit of the queue', async () => {
  start();
  mute.add('i1');
  probe = () => ({ isAlive: false });
  const first = calls(['a', 'b', 'c', 'd']);
  await advance(clock, 10);
  const rest = calls(Array.from({ length: 100 }, (_, index) => `waiting ${index}`));
  await advance(clock, 1_100);
  expect(dispatcher.queued).toBe(104);
  dispatcher.setInstances([{ id: 'i2', config: CONFIG, url: 'i2' }]);
  await advance(clock, 3_000);
  expect(new Set([...first.values(), ...rest.values()])).toEqual(new Set(['200']));
});
