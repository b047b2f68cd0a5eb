import { describe, expect, it } from 'vitest';
import { ArrivalVariability } from '../../../autoscaler/demand/arrivals.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Two minutes of bursts; returns when the last request came. */
function bursts(variability: ArrivalVariability, fromMs = 0, cv = 3): number {
  let lastMs = fromMs;
  for (const atMs of arrivals(constantRate(20, 120 * SECOND_MS), { type: 'gamma', cv }, 3)) {
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
