import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrivalCounts } from '../../../autoscaler/demand/arrivals.ts';
import {
  estimateRate,
  LONGEST_WINDOW_MS,
  type RateEstimate,
} from '../../../autoscaler/demand/rate-estimate.ts';
import { constantRate, steppedRate } from '../../../profiler/load/arrivals/rates.ts';
import { every, meanOf, type RequestStream, replay } from '../../support/request-streams.ts';

/** Estimates at some moments of a stream; when measuring begins is anywhere within a bucket. */
function watch(
  stream: RequestStream,
  momentsMs: readonly number[],
  { sinceMs = 12_345, cv = 1 } = {},
): RateEstimate[] {
  const counts = new ArrivalCounts(LONGEST_WINDOW_MS, sinceMs);
  return replay(
    stream,
    momentsMs,
    (atMs) => counts.add(sinceMs + atMs),
    (atMs) => estimateRate(counts, sinceMs + atMs, cv),
  );
}

/** The same for many streams that differ by chance only: by moment, the estimates of all. */
function watchMany(stream: RequestStream, momentsMs: readonly number[], streams: number): RateEstimate[][] {
  const byStream = Array.from({ length: streams }, (_, seed) => watch({ ...stream, seed }, momentsMs));
  return momentsMs.map((_, index) => byStream.map((estimates) => estimates[index]!));
}

function ratesOf(estimates: readonly RateEstimate[]): number[] {
  return estimates.map(({ ratePerSecond }) => ratePerSecond);
}

function spreadOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

/** By how much chance moves a rate that is measured so long. */
function deviationOver(windowMs: number, ratePerSecond: number): number {
  return Math.sqrt(ratePerSecond / (windowMs / 1000));
}

describe('the estimate of a constant rate', () => {
  const STREAMS = 100;

  it.each([5, 50, 500])(
    'of %d/s is unbiased: right after the start, at borders of buckets, and later',
    (rate) => {
      const moments = [500, 700, 1_155, 2_400, 4_155, 9_000, 16_655, 20_000, 32_655, 40_000, 60_000];
      const byMoment = watchMany({ curve: constantRate(rate, 60_000) }, moments, STREAMS);
      for (const [index, estimates] of byMoment.entries()) {
        const rates = ratesOf(estimates);
        const error = Math.abs(meanOf(rates) - rate);
        expect(error, `after ${moments[index]} ms`).toBeLessThan((4 * spreadOf(rates)) / Math.sqrt(STREAMS));
      }
    },
  );

  it.each([5, 50, 500])('of %d/s comes to vary as little as that over 32 s, and says by how much', (rate) => {
    const moments = [3_000, 6_000, 12_000, 24_000, 60_000];
    const byMoment = watchMany({ curve: constantRate(rate, 60_000) }, moments, STREAMS);
    const said = byMoment.map((estimates) => meanOf(estimates.map(({ deviation }) => deviation)));
    for (const [index, windowMs] of [2_000, 4_000, 8_000, 16_000, 32_000].entries()) {
      expect(said[index]! / deviationOver(windowMs, rate)).toBeCloseTo(1, 0.7);
      const off = byMoment[index]!.filter((each) => Math.abs(each.ratePerSecond - rate) > 2 * each.deviation);
      expect(off.length / STREAMS).toBeLessThan(0.1);
    }
  });

  it('is hardly ever said to have risen', () => {
    const moments = every(1_000, 300_000);
    for (const rate of [2, 20, 200]) {
      const estimates = watch({ curve: constantRate(rate, 300_000), seed: 3 }, moments);
      const risen = estimates.filter((each) => each.risenToPerSecond > each.ratePerSecond + each.deviation);
      expect(risen.length / estimates.length).toBeLessThan(0.04);
    }
  });

  it('is exact but for one request where they come evenly, at whatever rate and wherever the clock is', () => {
    const rates = fc.double({ min: 0.1, max: 200, noNaN: true });
    fc.assert(
      fc.property(rates, fc.nat(2_000), fc.integer({ min: 2_000, max: 80_000 }), (rate, sinceMs, atMs) => {
        const stream: RequestStream = { curve: constantRate(rate, atMs), process: { type: 'constant' } };
        const [estimate] = watch(stream, [atMs], { sinceMs });
        expect(Math.abs(estimate!.ratePerSecond - rate)).toBeLessThanOrEqual(0.5 + 1e-9);
      }),
    );
  });
});

describe('the estimate of a rate that changes', () => {
  const changeMs = 60_000;
  const at = [250, 1_000, 2_250, 4_000, 6_000, 40_000];
  const moments = at.map((afterMs) => changeMs + afterMs);

  it('believes a step of 30 % within about two seconds at 500/s, and soon averages chance out again', () => {
    const byMoment = watchMany({ curve: steppedRate([500, 650], changeMs) }, moments, 20);
    const [soon, , seen, , later, settled] = byMoment;
    expect(meanOf(ratesOf(soon!))).toBeLessThan(530);
    expect(meanOf(ratesOf(seen!))).toBeGreaterThan(635);
    expect(Math.min(...ratesOf(seen!))).toBeGreaterThan(585);
    expect(meanOf(later!.map(({ deviation }) => deviation))).toBeLessThan(1.1 * deviationOver(4_000, 650));
    expect(meanOf(ratesOf(settled!))).toBeGreaterThan(640);
  });

  it('believes a fall as quickly', () => {
    const [, , seen] = watchMany({ curve: steppedRate([650, 500], changeMs) }, moments, 20);
    expect(meanOf(ratesOf(seen!))).toBeLessThan(515);
  });

  it('does not take a change for more than chance where chance does as much', () => {
    const [, , seen] = watchMany({ curve: steppedRate([5, 6.5], changeMs) }, moments, 20);
    expect(meanOf(ratesOf(seen!))).toBeLessThan(5.8);
    const bursty = watch({ curve: steppedRate([50, 65], changeMs) }, moments, { cv: 4 });
    expect(bursty[2]!.ratePerSecond).toBeLessThan(58);
  });

  it('shows what a jump has come to at least within a second, before its window knows', () => {
    const [, second] = watchMany({ curve: steppedRate([20, 200], changeMs) }, moments, 20);
    for (const { ratePerSecond, risenToPerSecond } of second!) {
      expect(risenToPerSecond).toBeGreaterThan(ratePerSecond);
      expect(risenToPerSecond).toBeLessThan(200);
    }
    expect(meanOf(second!.map(({ risenToPerSecond }) => risenToPerSecond))).toBeGreaterThan(90);
  });

  it('is nothing a few seconds after the last request', () => {
    const curve = constantRate(100, changeMs);
    const [estimate] = watch({ curve }, [changeMs + 3_000]);
    expect(estimate).toEqual({ ratePerSecond: 0, deviation: 0, risenToPerSecond: 0 });
  });
});

describe('the deviation', () => {
  it('is in proportion to how bursty the arrivals are', () => {
    const curve = constantRate(50, 60_000);
    const [calm] = watch({ curve }, [60_000]);
    const [bursty] = watch({ curve }, [60_000], { cv: 3 });
    expect(bursty!.ratePerSecond).toBe(calm!.ratePerSecond);
    expect(bursty!.deviation).toBeCloseTo(3 * calm!.deviation, 9);
  });

  it('is none before the first request', () => {
    const [estimate] = watch({ curve: [] }, [60_000]);
    expect(estimate).toEqual({ ratePerSecond: 0, deviation: 0, risenToPerSecond: 0 });
  });
});
