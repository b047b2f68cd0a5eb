import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import {
  type Capacity,
  type CapacitySettings,
  measureCapacity,
} from '../../../profiler/endpoint/measure-capacity.ts';
import { renewal } from '../../../profiler/load/arrivals/arrivals.ts';
import type { Slo } from '../../../profiler/load/report.ts';
import { settle } from '../../support/virtual-time.ts';
import { SimulatedServer, type SimulatedServerOptions } from './simulated-server.ts';

const SETTINGS: CapacitySettings = {
  slo: { ms: 100, percentile: 99 },
  confidence: 0.95,
  tolerance: 0.05,
  maxRate: 10_000,
  seed: 1,
  longestWarmUpMs: 2000,
};
/** More than any chain of promises between two timers. */
const PROMISES_IN_A_ROW = 50;

const SERVER: SimulatedServerOptions = { serviceMs: 10, servers: 1 };

function measure(
  server: Partial<SimulatedServerOptions>,
  settings: Partial<CapacitySettings> = {},
  signal = new AbortController().signal,
  onTrialEnd: () => void = () => {},
): Promise<Capacity> {
  const clock = new VirtualClock();
  const simulated = new SimulatedServer(clock, { ...SERVER, ...server });
  const parts = {
    target: 'http://simulated/',
    clock,
    bodies: [new Uint8Array()],
    connect: () => simulated.connect(),
  };
  const listener = { onIdle: () => {}, onTrialEnd };
  return advanceThrough(clock, measureCapacity({ ...SETTINGS, ...settings }, parts, listener, signal));
}

/**
 * Lets time pass until the search is over. A trial's timers run without promises; only between trials are
 * there any.
 */
async function advanceThrough<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  promise.then(done, done);
  await settle();
  while (!isDone) {
    if (!clock.step()) throw new Error('will never happen');
    for (let turn = 0; turn < PROMISES_IN_A_ROW; turn += 1) await undefined;
  }
  return promise;
}

/** The share of late requests in the long run, by Lindley's recursion over many arrivals. */
function trueLateShare(
  ratePerSecond: number,
  { serviceMs, servers }: SimulatedServerOptions,
  slo: Slo,
): number {
  const arrivals = 40_000;
  const gaps = renewal({ type: 'poisson' }, seededRandom(99));
  const freeAtMs = Array.from({ length: servers }, () => 0);
  let nowMs = 0;
  let late = 0;
  for (let arrival = 0; arrival < arrivals; arrival += 1) {
    nowMs += (gaps.next() * 1000) / ratePerSecond;
    const free = Math.min(...freeAtMs);
    const endMs = Math.max(nowMs, free) + serviceMs;
    freeAtMs[freeAtMs.indexOf(free)] = endMs;
    if (endMs - nowMs > slo.ms) late += 1;
  }
  return late / arrivals;
}

/** The highest rate at which the share of late requests is this. */
function trueRate(share: number, server: SimulatedServerOptions, slo: Slo): number {
  let low = 0.1;
  let high = (server.servers * 1000) / server.serviceMs;
  while (high / low > 1.005) {
    const rate = Math.sqrt(low * high);
    if (trueLateShare(rate, server, slo) <= share) low = rate;
    else high = rate;
  }
  return low;
}

describe('measureCapacity', () => {
  it('finds the capacity of a queue, from below unless by chance', () => {
    const queues = fc.record({
      serviceMs: fc.integer({ min: 2, max: 40 }),
      servers: fc.integer({ min: 1, max: 4 }),
      sloServices: fc.integer({ min: 4, max: 12 }),
      percentile: fc.constantFrom(90, 95, 99),
      seed: fc.nat(1e6),
    });
    return fc.assert(
      fc.asyncProperty(queues, async ({ serviceMs, servers, sloServices, percentile, seed }) => {
        const slo = { ms: serviceMs * sloServices, percentile };
        const { heldRate, missedRate, ended } = await measure({ serviceMs, servers }, { slo, seed });
        const allowed = (100 - percentile) / 100;
        expect(ended).toBe('found');
        expect(missedRate! / heldRate!).toBeLessThanOrEqual(1 + SETTINGS.tolerance);
        // A rate that is too high by more than what the trials' length can tell never holds; one at which
        // hardly any request is late does.
        expect(heldRate!).toBeLessThan(1.2 * trueRate(allowed, { serviceMs, servers }, slo));
        expect(heldRate!).toBeGreaterThan(0.85 * trueRate(allowed / 4, { serviceMs, servers }, slo));
      }),
      { numRuns: 6 },
    );
  }, 60_000);

  it('waits for a cold start, and keeps it out of the trials', async () => {
    const { idle, trials } = await measure({ readyAtMs: 20_000 }, { tolerance: 0.2 });
    expect(idle.firstAnswerMs).toBeGreaterThanOrEqual(20_000);
    expect(idle.latencyMs.p50).toBe(10);
    expect(trials.every(({ failed }) => Object.keys(failed.byStatus).length === 0)).toBe(true);
  });

  it('stops a hopeless trial early', async () => {
    const { trials } = await measure({});
    const hopeless = trials.filter(({ ratePerSecond }) => ratePerSecond > 99);
    const full = trials.filter(({ kind, verdict }) => kind === 'full' && verdict === 'held');
    for (const { verdict, countedMs } of hopeless) {
      expect(verdict).toBe('missed');
      expect(countedMs).toBeLessThan(full[0]!.countedMs / 2);
    }
    expect(hopeless.length).toBeGreaterThan(0);
  });

  it('never goes beyond the highest rate allowed', async () => {
    const { heldRate, missedRate, ended, trials } = await measure({}, { maxRate: 40 });
    expect({ heldRate, missedRate, ended }).toEqual({ heldRate: 40, missedRate: null, ended: 'at-max-rate' });
    expect(Math.max(...trials.map(({ ratePerSecond }) => ratePerSecond))).toBe(40);
  });

  it('keeps what was measured when it is interrupted', async () => {
    const interrupt = new AbortController();
    let ended = 0;
    const result = await measure({}, {}, interrupt.signal, () => {
      ended += 1;
      if (ended === 4) interrupt.abort();
    });
    expect(result.ended).toBe('cut-short');
    expect(result.trials).toHaveLength(4);
    expect(result.trials[0]!.verdict).toBe('held');
  });

  it('refuses an SLO that a lone request misses', async () => {
    await expect(measure({}, { slo: { ms: 8, percentile: 99 } })).rejects.toMatchObject({
      code: 'SLO_INFEASIBLE',
      message: 'A request alone takes 10 ms (median), longer than the SLO of 8.0 ms',
    });
  });
});
