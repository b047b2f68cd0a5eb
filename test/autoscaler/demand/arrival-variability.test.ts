import { randomExponential, randomGamma } from 'd3-random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrivalVariability } from '../../../autoscaler/demand/arrival-variability.ts';
import { seededRandom } from '../../../models/base/random.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Two minutes of bursts; returns when the last request came. */
function bursts(variability: ArrivalVariability, fromMs = 0, cv = 3): number {
  let lastMs = fromMs;
  for (const atMs of arrivals(constantRate(20, 120 * SECOND_MS), { type: 'gamma', cv }, 5)) {
    lastMs = fromMs + atMs;
    variability.observe(lastMs);
  }
  return lastMs;
}

describe('the variability of arrivals', () => {
  it('fades to that of a Poisson stream while nothing arrives', () => {
    const variability = new ArrivalVariability();
    const lastMs = bursts(variability);
    const cvAfter = (minutes: number): number => {
      variability.fade(lastMs + minutes * MINUTE_MS);
      return variability.cv;
    };
    const first = cvAfter(0);
    expect(first).toBeGreaterThanOrEqual(2.5);
    expect(cvAfter(1)).toBe(first);
    const seen = [10, 20, 30, 40, 60].map(cvAfter);
    expect(seen[0]).toBeLessThanOrEqual(first);
    expect(seen).toEqual([...seen].sort((a, b) => b - a));
    expect(seen[1]).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(1);
  });

  it('fades as well where it is only called now and then', () => {
    const variability = new ArrivalVariability();
    const lastMs = bursts(variability);
    for (let call = 1; call <= 60; call += 1) variability.observe(lastMs + call * MINUTE_MS);
    expect(variability.cv).toBe(1);
  });

  it('does not fade between requests, nor for being looked at', () => {
    const [watched, unwatched] = [new ArrivalVariability(), new ArrivalVariability()];
    for (let atMs = 0; atMs < 120 * SECOND_MS; atMs += 3 * SECOND_MS) {
      for (const each of [watched, unwatched]) for (const burstMs of [0, 1, 2]) each.observe(atMs + burstMs);
      for (let look = 3; look < 3_000; look += 500) watched.fade(atMs + look);
    }
    expect(unwatched.cv).toBeGreaterThan(1);
    expect(watched.cv).toBe(unwatched.cv);
  });

  it('is found out anew within some fifty requests', () => {
    const variability = new ArrivalVariability();
    const pauseMs = 3 * 60 * MINUTE_MS;
    const lastMs = bursts(variability);
    variability.fade(lastMs + pauseMs);
    expect(variability.cv).toBe(1);
    bursts(variability, lastMs + pauseMs);
    expect(variability.cv).toBeGreaterThanOrEqual(2.5);
  });
});

/** What is told of a stream after so many arrivals, `pauses` between them. */
function told(gaps: () => number, count: number, pauses: ReadonlyMap<number, number> = new Map()): number {
  const variability = new ArrivalVariability();
  let nowMs = 0;
  for (let index = 0; index < count; index += 1) {
    variability.observe(nowMs);
    nowMs += pauses.get(index) ?? gaps();
  }
  return variability.cv;
}

describe('a pause', () => {
  const poisson = (ratePerSecond: number, seed: number): (() => number) =>
    randomExponential.source(seededRandom(seed))(ratePerSecond / 1_000);

  it('says nothing of a Poisson stream, whenever it is and however long', () => {
    fc.assert(
      fc.property(
        fc.record({
          ratePerSecond: fc.constantFrom(10, 100, 1_000),
          before: fc.integer({ min: 1, max: 2_000 }),
          pauseMs: fc.constantFrom(500, 1_000, 3_000, 30_000),
          seed: fc.integer({ min: 1, max: 1e6 }),
        }),
        ({ ratePerSecond, before, pauseMs, seed }) => {
          const gaps = poisson(ratePerSecond, seed);
          const cv = told(gaps, before + 200, new Map([[before, pauseMs]]));
          expect(cv).toBe(1); // in steps of a half: from 0.65 to 1.35
        },
      ),
    );
  });

  it('that comes back is how the stream is', () => {
    const gaps = poisson(1_000, 1);
    const everyHalfSecond = new Map(Array.from({ length: 40 }, (_, index) => [index * 500, 500]));
    const cv = told(gaps, 20_000, everyHalfSecond);
    // gaps of a mean of 2 ms, every 500th of 500: CV² = 500 / 4 − 1
    expect(cv).toBeGreaterThanOrEqual(9);
    expect(cv).toBeLessThanOrEqual(13);
  });

  it.each([
    [1, 1, 1],
    [2, 1.5, 2.5],
    [4, 3, 5],
    [8, 6, 10],
  ])('is not what long gaps are where their CV is %d', (cv, least, most) => {
    const shape = 1 / cv ** 2;
    const seen = Array.from({ length: 9 }, (_, index) =>
      told(randomGamma.source(seededRandom(index + 1))(shape, 10 / shape), 20_000),
    ).sort((a, b) => a - b);
    expect(seen[4]).toBeGreaterThanOrEqual(least);
    expect(seen[4]).toBeLessThanOrEqual(most);
  });
});
