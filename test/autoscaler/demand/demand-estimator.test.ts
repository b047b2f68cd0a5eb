import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONTROL_SETTINGS } from '../../../autoscaler/control/settings.ts';
import {
  DemandEstimator,
  type DemandHorizon,
  type DemandSnapshot,
} from '../../../autoscaler/demand/demand-estimator.ts';
import type { ArrivalProcess } from '../../../profiler/load/arrivals/arrivals.ts';
import { constantRate, rampedRate, steppedRate } from '../../../profiler/load/arrivals/rates.ts';
import { every, meanOf, type RequestStream, replay } from '../../support/request-streams.ts';

/** What is always in reserve. */
const LEAST = 1.02;
const TICK_MS = 500;
const MINUTE_MS = 60_000;
const { headroom } = DEFAULT_CONTROL_SETTINGS;
const HORIZON: DemandHorizon = { leadMs: 1_000, memoryMs: 4_000 };

interface Watched extends RequestStream {
  /** When measuring begins, on the clock. */
  readonly sinceMs?: number;
  readonly percentile?: number;
}

/** Observes a stream and looks at the demand at some moments, in ms from its start. */
function watch(
  { sinceMs = 12_345, percentile = 99, ...stream }: Watched,
  momentsMs: readonly number[],
  horizon: Partial<DemandHorizon> = {},
): DemandSnapshot[] {
  const demand = new DemandEstimator({ sinceMs, percentile });
  return replay(
    stream,
    momentsMs,
    (atMs) => demand.observe(sinceMs + atMs),
    (atMs) => demand.advanceTo(sinceMs + atMs, { ...HORIZON, ...horizon }),
  );
}

/** By how much chance moves a rate that is measured over half a minute. */
function allowance(ratePerSecond: number): number {
  return Math.sqrt(ratePerSecond / 32);
}

describe('the rate', () => {
  it('is unbiased for a constant stream: right after the start, at borders of buckets, and later', () => {
    const moments = [600, 1_000, 1_155, 1_655, 2_400, 4_155, 4_655, 5_000, 9_000];
    const bySeed = Array.from({ length: 200 }, (_, seed) =>
      watch({ curve: constantRate(50, 10_000), seed }, moments),
    );
    for (const index of moments.keys()) {
      const mean = meanOf(bySeed.map((snapshots) => snapshots[index]!.currentPerSecond));
      expect(mean / 50, `after ${moments[index]} ms`).toBeCloseTo(1, 1.3);
    }
  });

  it('does not shout at the first request', () => {
    const demand = new DemandEstimator({ sinceMs: 0, percentile: 99 });
    demand.observe(10_499);
    expect(demand.advanceTo(10_500, HORIZON).ratePerSecond).toBeLessThan(1);
  });

  it('shows a jump within about a second, and overshoots it little', () => {
    const jumpMs = 10 * MINUTE_MS;
    for (const seed of [1, 2, 3, 4, 5]) {
      const moments = every(TICK_MS, jumpMs + 60_000);
      const snapshots = watch({ curve: steppedRate([20, 200], jumpMs), seed }, moments);
      const at = (afterMs: number): number => snapshots[(jumpMs + afterMs) / TICK_MS - 1]!.ratePerSecond;
      expect(at(-1_000)).toBeLessThan(30);
      expect(at(1_000)).toBeGreaterThan(80);
      expect(at(1_500)).toBeGreaterThan(120);
      expect(at(2_500)).toBeGreaterThan(170);
      for (const afterMs of every(TICK_MS, 60_000)) expect(at(afterMs)).toBeLessThan(300);
      for (const afterMs of every(TICK_MS, 60_000, 20_000)) expect(at(afterMs)).toBeLessThan(250);
    }
  });

  it('comes to be no more than measured, but for chance, where nothing changes', () => {
    for (const ratePerSecond of [20, 100, 500]) {
      const moments = every(TICK_MS, 20 * MINUTE_MS);
      const seen = watch({ curve: constantRate(ratePerSecond, 20 * MINUTE_MS), seed: 5 }, moments, {
        leadMs: 5_000,
      });
      const late = seen.slice(seen.length / 2);
      const mean = meanOf(late.map((each) => each.ratePerSecond));
      expect(mean).toBeGreaterThan(LEAST * ratePerSecond + 0.5 * allowance(ratePerSecond));
      expect(mean).toBeLessThan(LEAST * ratePerSecond + 2 * allowance(ratePerSecond));
    }
  });

  it('is nothing after silence, and nothing before the first request', () => {
    const [before, during, after] = watch({ curve: constantRate(100, 5_000) }, [0, 5_000, 60_000]);
    expect(before).toMatchObject({ ratePerSecond: 0, lastArrivalMs: undefined });
    expect(during!.currentPerSecond).toBeGreaterThan(80);
    expect(after).toMatchObject({ currentPerSecond: 0, ratePerSecond: 0 });
    expect(after!.lastArrivalMs).toBeLessThanOrEqual(12_345 + 5_000);
  });
});

describe('what is expected of a rate that rises', () => {
  it('follows a steady ramp as far ahead as an instance takes to start', () => {
    const leadMs = 3_000;
    const calmMs = 20 * MINUTE_MS; // so long that nothing is in reserve any more
    const curve = rampedRate([
      { atMs: 0, rate: 200 },
      { atMs: calmMs, rate: 200 },
      { atMs: calmMs + 30_000, rate: 800 },
    ]);
    const seen = watch({ curve }, every(TICK_MS, calmMs + 30_000), { leadMs });
    const shares = every(TICK_MS, 27_000, 14_000).map((afterMs) => {
      const comesPerSecond = 200 + (afterMs + leadMs) / 50;
      return seen[(calmMs + afterMs) / TICK_MS - 1]!.ratePerSecond / comesPerSecond;
    });
    expect(meanOf(shares)).toBeGreaterThan(0.94); // without a trend: 0.87
    expect(meanOf(shares)).toBeLessThan(1.06);
  });

  it('takes no jump for a slope', () => {
    // With instances that start slowly, a slope would be drawn far beyond; the first rise of all is learnt
    // from later only.
    const jumpMs = 30 * MINUTE_MS;
    const moments = every(TICK_MS, jumpMs + 12_000);
    const seen = watch({ curve: steppedRate([100, 160], jumpMs) }, moments, { leadMs: 12_000 });
    for (const snapshot of seen.slice(jumpMs / TICK_MS)) expect(snapshot.ratePerSecond).toBeLessThan(200);
  });

  it('shows no trend where there is only chance', () => {
    for (const ratePerSecond of [5, 100]) {
      const moments = every(TICK_MS, 15 * MINUTE_MS);
      const stream = { curve: constantRate(ratePerSecond, 15 * MINUTE_MS), seed: 5 };
      const seen = watch(stream, moments, { leadMs: 5_000 }).slice((5 * MINUTE_MS) / TICK_MS);
      const higher = seen.filter(
        (each) => each.ratePerSecond > each.currentPerSecond + 4 * allowance(ratePerSecond),
      );
      expect(higher.length / seen.length).toBeLessThan(0.03);
    }
  });
});

describe('the reserve for rises', () => {
  it('is 30 % at first, for a function of which nothing is known', () => {
    const [, early] = watch({ curve: constantRate(200, 10_000) }, [500, 2_000], { leadMs: 5_000 });
    expect(early!.ratePerSecond).toBeGreaterThan(1.3 * early!.currentPerSecond);
    expect(early!.ratePerSecond).toBeLessThan(1.5 * early!.currentPerSecond);
  });

  /**
   * What share of a staircase's requests finds no room that was ordered five seconds ago, and what is in
   * reserve on average.
   */
  function climb(percentile: number): { readonly shortShare: number; readonly meanReserve: number } {
    const leadMs = 5_000;
    const rates = Array.from({ length: 40 }, (_, minute) => 100 * 1.2 ** (minute % 8));
    const moments = every(TICK_MS, rates.length * MINUTE_MS - TICK_MS, 0);
    const seen = watch({ curve: steppedRate(rates, MINUTE_MS), percentile }, moments, { leadMs });
    let short = 0;
    let requests = 0;
    const reserves: number[] = [];
    for (const [index, atMs] of moments.entries()) {
      if (atMs < 10 * MINUTE_MS) continue;
      const ordered = headroom * seen[index - leadMs / TICK_MS]!.ratePerSecond;
      const comes = rates[Math.floor(atMs / MINUTE_MS)]!;
      short += Math.max(0, comes - ordered);
      requests += comes;
      reserves.push(seen[index]!.ratePerSecond / seen[index]!.currentPerSecond - 1);
    }
    return { shortShare: short / requests, meanReserve: meanOf(reserves) };
  }

  it.each([99, 99.9])(
    'leaves, with headroom, no more of a staircase without room than may be late (p%d)',
    (percentile) => {
      expect(climb(percentile).shortShare).toBeLessThan(1 - percentile / 100);
    },
  );

  it('is the larger, the fewer may be late', () => {
    const [loose, usual, strict] = [90, 99, 99.9].map((percentile) => climb(percentile).meanReserve);
    expect(loose).toBeLessThan(LEAST - 1 + 0.025); // a standard deviation of the rate, no more
    expect(usual).toBeGreaterThan(0.99 * loose!);
    expect(strict).toBeGreaterThan(0.1);
    expect(strict).toBeLessThan(0.2);
  });
});

describe('the highest rate of the recent past', () => {
  it('is not known before so much has passed, whatever was before the start', () => {
    const moments = [1_000, 15_000, 29_999, 30_000];
    const recent = watch({ curve: constantRate(20, 40_000) }, moments, { memoryMs: 30_000 }).map(
      (seen) => seen.recentRatePerSecond,
    );
    expect(recent.slice(0, 3)).toEqual([Infinity, Infinity, Infinity]);
    expect(recent[3]).toBeLessThan(40);
  });

  it('is not known again where instances turn out to start more slowly', () => {
    const demand = new DemandEstimator({ sinceMs: 0, percentile: 99 });
    expect(demand.advanceTo(5_000, HORIZON).recentRatePerSecond).toBe(0);
    expect(demand.advanceTo(6_000, { ...HORIZON, memoryMs: 10_000 }).recentRatePerSecond).toBe(Infinity);
    expect(demand.advanceTo(10_000, { ...HORIZON, memoryMs: 10_000 }).recentRatePerSecond).toBe(0);
  });

  it('is about the rate itself where that is even, once nothing is in reserve', () => {
    const even: ArrivalProcess = { type: 'constant' };
    for (const sinceMs of [0, 490, 499.9, 10]) {
      const seen = watch(
        { curve: constantRate(100, MINUTE_MS), process: even, sinceMs },
        every(130, MINUTE_MS),
      );
      for (const { recentRatePerSecond } of seen.slice(-100)) {
        expect(recentRatePerSecond).toBeGreaterThan(100);
        expect(recentRatePerSecond).toBeLessThan(101 * LEAST + allowance(100));
      }
    }
  });

  it('remembers a peak as long as it was told to', () => {
    const curve = steppedRate([200, 10, 10, 10, 10, 10, 10, 10], 10_000);
    const seen = watch({ curve }, every(TICK_MS, 50_000), { memoryMs: 30_000 });
    const at = (atMs: number): number => seen[atMs / TICK_MS - 1]!.recentRatePerSecond;
    expect(at(38_000)).toBeGreaterThan(200);
    expect(at(50_000)).toBeLessThan(40);
  });

  it('is the highest of what was expected within it', () => {
    const rates = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 });
    const starts = fc.record({ leadMs: fc.nat(10_000), memoryMs: fc.integer({ min: 0, max: 30_000 }) });
    fc.assert(
      fc.property(rates, starts, fc.nat(1_000), (levels, horizon, seed) => {
        const moments = every(TICK_MS, levels.length * 5_000);
        const seen = watch({ curve: steppedRate(levels, 5_000), seed }, moments, horizon);
        for (const [index, { recentRatePerSecond }] of seen.entries()) {
          const atMs = moments[index]!;
          const within = seen.filter((_, at) => at <= index && moments[at]! >= atMs - horizon.memoryMs);
          const highest = Math.max(...within.map(({ ratePerSecond }) => ratePerSecond));
          expect(recentRatePerSecond).toBe(atMs < horizon.memoryMs ? Infinity : highest);
        }
      }),
    );
  });
});

describe('the variation of arrivals', () => {
  it.each([1, 2, 3, 4, 5])('is that of a Poisson stream for a Poisson stream (seed %d)', (seed) => {
    const moments = every(1_000, 120_000);
    const seen = watch({ curve: constantRate(50, 120_000), seed }, moments);
    expect(new Set(seen.map(({ arrivalCv }) => arrivalCv))).toEqual(new Set([1]));
  });

  it.each([1, 2, 3])('is about that of bursty arrivals (seed %d)', (seed) => {
    const process: ArrivalProcess = { type: 'gamma', cv: 2 };
    const seen = watch({ curve: constantRate(50, 300_000), process, seed }, every(1_000, 300_000, 60_000));
    expect(meanOf(seen.map(({ arrivalCv }) => arrivalCv))).toBeCloseTo(2, 0.3);
  });

  it('does not count calmer arrivals than Poisson’s as such', () => {
    const [seen] = watch({ curve: constantRate(50, 20_000), process: { type: 'constant' } }, [20_000]);
    expect(seen!.arrivalCv).toBe(1);
  });

  it('does not take a pause for a burst', () => {
    const curve = steppedRate([50, 50, 0, 0, 0, 0, 50, 50], 10_000);
    for (const { arrivalCv } of watch({ curve }, every(500, 80_000))) expect(arrivalCv).toBe(1);
  });

  it('does not flicker between two steps', () => {
    const process: ArrivalProcess = { type: 'gamma', cv: 1.5 };
    const seen = watch({ curve: constantRate(20, 600_000), process, seed: 3 }, every(500, 600_000, 60_000));
    const moves = seen.filter((each, index) => index > 0 && each.arrivalCv !== seen[index - 1]!.arrivalCv);
    expect(moves.length).toBeLessThan(10);
  });
});

describe('reading', () => {
  const looks = fc.array(
    fc.record({ afterMs: fc.integer({ min: 1, max: 3_000 }), requests: fc.nat(20), reads: fc.nat(3) }),
    { minLength: 1, maxLength: 40 },
  );

  it('changes nothing, however often and at whatever time', () => {
    fc.assert(
      fc.property(looks, (steps) => {
        const [read, unread] = [0, 1].map(() => new DemandEstimator({ sinceMs: 0, percentile: 99 }));
        let nowMs = 0;
        for (const { afterMs, requests, reads } of steps) {
          for (let request = 0; request < requests; request += 1) {
            for (const each of [read, unread]) each!.observe(nowMs + (afterMs * request) / requests);
          }
          nowMs += afterMs;
          for (let again = 0; again < reads; again += 1) read!.at(nowMs + 10_000 * again, HORIZON);
          expect(read!.advanceTo(nowMs, HORIZON)).toEqual(unread!.advanceTo(nowMs, HORIZON));
          expect(read!.current).toEqual(unread!.current);
        }
      }),
    );
  });

  it('tells what was seen last, and that nothing has come since', () => {
    const demand = new DemandEstimator({ sinceMs: 0, percentile: 99 });
    expect(demand.current).toMatchObject({ currentPerSecond: 0, recentRatePerSecond: Infinity });
    for (let atMs = 0; atMs < 20_000; atMs += 10) demand.observe(atMs);
    const seen = demand.advanceTo(20_000, HORIZON);
    expect(seen.currentPerSecond).toBeCloseTo(100, 0);
    expect(demand.current).toBe(seen);
    expect(demand.at(20_000, HORIZON)).toEqual(seen);
    expect(demand.at(80_000, HORIZON)).toMatchObject({ currentPerSecond: 0, ratePerSecond: 0 });
    expect(demand.current).toBe(seen);
  });
});
