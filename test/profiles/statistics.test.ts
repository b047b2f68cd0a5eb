import { randomNormal } from 'd3-random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../models/base/random.ts';
import { quantile, relativeError, studentT, summarize } from '../../profiles/statistics.ts';
import { latencySchema } from '../../profiles/table.ts';

describe('studentT', () => {
  // Two-sided critical values as printed in statistical tables.
  it.each([
    [0.95, 1, 12.7062],
    [0.95, 2, 4.3027],
    [0.95, 3, 3.1824],
    [0.99, 4, 4.6041],
    [0.95, 9, 2.2622],
    [0.9, 10, 1.8125],
    [0.99, 29, 2.7564],
    [0.95, 120, 1.9799],
  ])('at level %d with %d degrees of freedom is %d', (level, degrees, expected) => {
    expect(studentT(level, degrees)).toBeCloseTo(expected, 3);
  });
});

describe('quantile', () => {
  it('interpolates as NumPy does', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0.95)).toBeCloseTo(3.85, 12);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('grows with q and stays within the values', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, share, share, (array, a, b) => {
        const sorted = array.sort((x, y) => x - y);
        const low = quantile(sorted, Math.min(a, b));
        const high = quantile(sorted, Math.max(a, b));
        // Interpolation rounds: a few units in the last place are no disorder.
        expect(low).toBeLessThanOrEqual(high * (1 + 1e-12));
        expect(low).toBeGreaterThanOrEqual(sorted[0]!);
        expect(high).toBeLessThanOrEqual(sorted[sorted.length - 1]! * (1 + 1e-12));
      }),
    );
  });

  it('refuses no values at all', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

/** Values around 100 that remember a share `memory` of the last deviation. */
function autocorrelated(seed: number, count: number, memory: number): number[] {
  const noise = randomNormal.source(seededRandom(seed))(0, 1);
  let deviation = noise() / Math.sqrt(1 - memory ** 2);
  return Array.from({ length: count }, () => {
    deviation = memory * deviation + noise();
    return 100 + deviation;
  });
}

/** The share of many series whose interval holds the true mean, 100. */
function coverage(count: number, memory: number): number {
  const trials = 400;
  let held = 0;
  for (let seed = 0; seed < trials; seed += 1) {
    const [low, high] = summarize(autocorrelated(seed, count, memory), 0.95).meanInterval;
    if (low <= 100 && 100 <= high) held += 1;
  }
  return held / trials;
}

describe('summarize', () => {
  it('describes a series', () => {
    const samples = Array.from({ length: 101 }, (_, index) => 100 - index * 0.5);
    const latency = summarize(samples, 0.95);
    expect(latency).toMatchObject({ mean: 75, p50: 75, p95: 97.5, p99: 99.5, min: 50, max: 100 });
    expect(latency.standardDeviation).toBeCloseTo(14.65, 2);
  });

  it('gives an interval that holds the mean as often as it says', () => {
    expect(coverage(12, 0)).toBeGreaterThan(0.92);
    expect(coverage(200, 0)).toBeGreaterThan(0.92);
    expect(coverage(200, 0)).toBeLessThan(0.98);
  });

  it('is not fooled by runs that resemble each other', () => {
    // The usual interval, from single samples, would hold the mean in only three of five such series.
    expect(coverage(400, 0.7)).toBeGreaterThan(0.88);
  });

  it('says so when one sample is all there is', () => {
    const latency = summarize([5], 0.95);
    expect(latencySchema.parse(latency)).toEqual(latency);
    expect(relativeError(latency)).toBeGreaterThan(1e6);
  });

  it('always fits the table schema', () => {
    const sample = fc.double({ min: 1e-3, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 60 }), (samples) => {
        const latency = summarize(samples, 0.95);
        expect(latencySchema.safeParse(JSON.parse(JSON.stringify(latency))).success).toBe(true);
        expect(latency.meanInterval[0]).toBeLessThanOrEqual(latency.mean);
        expect(latency.meanInterval[1]).toBeGreaterThanOrEqual(latency.mean);
      }),
    );
  });
});
