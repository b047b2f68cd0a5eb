import { describe, expect, it } from 'vitest';
import { Demand, type DemandSnapshot } from '../../../autoscaler/control/demand.ts';
import { arrivals } from '../../../profiler/load/arrivals.ts';
import { constantRate, type RateCurve, rampedRate, steppedRate } from '../../../profiler/load/rates.ts';
import type { ArrivalProcess } from '../../../profiler/load/renewal.ts';

const MEMORY_MS = 30_000;
const POISSON: ArrivalProcess = { type: 'poisson' };

interface Stream {
  readonly curve: RateCurve;
  readonly process?: ArrivalProcess;
  readonly seed?: number;
  /** When measuring begins, on the clock. */
  readonly sinceMs?: number;
}

/** Observes a stream and looks at the demand at some moments, in ms from its start. */
function watch(
  { curve, process = POISSON, seed = 1, sinceMs = 12_345 }: Stream,
  momentsMs: readonly number[],
  leadMs = 1_000,
): DemandSnapshot[] {
  const demand = new Demand({ memoryMs: MEMORY_MS, sinceMs });
  const stream = arrivals(curve, process, seed);
  let next = stream.next();
  return momentsMs.map((momentMs) => {
    for (; !next.done && next.value <= momentMs; next = stream.next()) demand.observe(sinceMs + next.value);
    return demand.snapshot(sinceMs + momentMs, leadMs);
  });
}

function every(stepMs: number, untilMs: number, fromMs = stepMs): number[] {
  const moments: number[] = [];
  for (let momentMs = fromMs; momentMs <= untilMs; momentMs += stepMs) moments.push(momentMs);
  return moments;
}

/** What is expected lies this far above what was measured: chance may have made that too low. */
function allowance(ratePerSecond: number): number {
  return Math.sqrt(ratePerSecond / 4);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
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
    const demand = new Demand({ memoryMs: MEMORY_MS, sinceMs: 0 });
    demand.observe(10_499);
    expect(demand.snapshot(10_500, 1_000).ratePerSecond).toBeLessThan(1);
  });

  it('is followed by what is expected when it rises, as far ahead as an instance takes to start', () => {
    const curve = rampedRate([
      { atMs: 0, rate: 0 },
      { atMs: 20_000, rate: 400 },
    ]);
    const [atTen] = watch({ curve }, [10_000], 3_000);
    expect(atTen!.currentPerSecond).toBeGreaterThan(140); // the middle of its window, two seconds ago: 160
    expect(atTen!.currentPerSecond).toBeLessThan(180);
    expect(atTen!.ratePerSecond).toBeGreaterThan(230); // 260 in three seconds
    expect(atTen!.ratePerSecond).toBeLessThan(290);
  });

  it('shows a jump within about a second, and overshoots it little and briefly', () => {
    const curve = steppedRate([20, 200, 200, 200], 10_000);
    const snapshots = watch({ curve }, every(250, 30_000, 10_250), 2_000);
    const at = (afterMs: number): number => snapshots[afterMs / 250 - 1]!.ratePerSecond;
    expect(at(1_500)).toBeGreaterThan(130);
    expect(Math.max(...snapshots.map(({ ratePerSecond }) => ratePerSecond))).toBeLessThan(400);
    for (const afterMs of every(250, 20_000, 5_000)) expect(at(afterMs)).toBeLessThan(270);
  });

  it('shows no trend where there is only chance', () => {
    for (const ratePerSecond of [5, 100]) {
      const snapshots = watch(
        { curve: constantRate(ratePerSecond, 600_000), seed: 5 },
        every(500, 600_000, 5_000),
        5_000,
      );
      const trends = snapshots.filter(
        ({ ratePerSecond: expected, currentPerSecond }) =>
          expected > currentPerSecond + 1.01 * allowance(currentPerSecond),
      );
      expect(trends.length / snapshots.length).toBeLessThan(0.03);
      const margin = 6 * allowance(ratePerSecond);
      for (const seen of snapshots) expect(seen.ratePerSecond).toBeLessThan(ratePerSecond + margin);
    }
  });

  it('is nothing after silence, and nothing before the first request', () => {
    const [before, during, after] = watch(
      {
        curve: rampedRate([
          { atMs: 0, rate: 100 },
          { atMs: 5_000, rate: 100 },
        ]),
      },
      [0, 5_000, 60_000],
    );
    expect(before).toMatchObject({ ratePerSecond: 0, lastArrivalMs: undefined });
    expect(during!.currentPerSecond).toBeGreaterThan(80);
    expect(after).toMatchObject({ currentPerSecond: 0, ratePerSecond: 0, recentRatePerSecond: 0 });
    expect(after!.lastArrivalMs).toBeLessThanOrEqual(12_345 + 5_000);
  });
});

describe('the highest rate of the recent past', () => {
  it('is not known before so much has passed, whatever was before the start', () => {
    const moments = [1_000, 15_000, 29_999, 30_000];
    const recent = watch({ curve: constantRate(20, 40_000) }, moments).map(
      (seen) => seen.recentRatePerSecond,
    );
    expect(recent.slice(0, 3)).toEqual([Infinity, Infinity, Infinity]);
    expect(recent[3]).toBeLessThan(40);
  });

  it('is the rate itself where that is even, right after the start as later', () => {
    const even: ArrivalProcess = { type: 'constant' };
    for (const sinceMs of [0, 490, 499.9, 10]) {
      const moments = every(130, 60_000, 30_000);
      for (const seen of watch({ curve: constantRate(100, 60_000), process: even, sinceMs }, moments)) {
        expect(seen.recentRatePerSecond).toBeGreaterThan(97 + allowance(97));
        expect(seen.recentRatePerSecond).toBeLessThan(103 + allowance(103));
      }
    }
  });

  it('remembers a peak as long as it was told to', () => {
    const curve = steppedRate([200, 10, 10, 10, 10, 10, 10, 10], 10_000);
    const [remembered, forgotten] = watch({ curve }, [38_000, 50_000]);
    expect(remembered!.recentRatePerSecond).toBeGreaterThan(150);
    expect(forgotten!.recentRatePerSecond).toBeLessThan(40);
  });

  it('is never below the rate expected', () => {
    const curve = rampedRate([
      { atMs: 0, rate: 0 },
      { atMs: 60_000, rate: 300 },
    ]);
    for (const seen of watch({ curve }, every(500, 60_000))) {
      expect(seen.recentRatePerSecond).toBeGreaterThanOrEqual(seen.ratePerSecond);
    }
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
