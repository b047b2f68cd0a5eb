import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { NextArrival } from '../../../models/batching/next-arrival.ts';

/** The expected wait at `nowMs`, in ms. */
function waitAt(next: NextArrival, nowMs: number): number {
  let waitMs = Number.NaN;
  next.firstWhere(nowMs, (_, expectedMs) => {
    waitMs = expectedMs;
    return true;
  });
  return waitMs;
}

function exponential(random: () => number, meanMs: number): number {
  return -Math.log(1 - random()) * meanMs;
}

describe('the wait for the next request', () => {
  it('is unknown at first, and after a single request', () => {
    const next = new NextArrival();
    expect(waitAt(next, 0)).toBe(Infinity);
    next.arrived(5);
    expect(waitAt(next, 5)).toBe(Infinity);
  });

  it.each([0.5, 3, 40])('does not depend on the silence in a Poisson stream with gaps of %d ms', (meanMs) => {
    const next = new NextArrival();
    const random = seededRandom(7);
    let nowMs = 0;
    for (let count = 0; count < 3_000; count += 1) {
      nowMs += exponential(random, meanMs);
      next.arrived(nowMs);
      if (random() < 0.2) next.answered(nowMs + exponential(random, meanMs)); // whenever that may be
    }
    for (const silentMs of [0, 0.5, 1, 2]) {
      const waitMs = waitAt(next, nowMs + silentMs * meanMs);
      expect(waitMs).toBeGreaterThan(0.7 * meanMs);
      expect(waitMs).toBeLessThan(1.4 * meanMs);
    }
  });

  it('becomes shorter with the silence where requests come evenly', () => {
    const next = new NextArrival();
    for (let atMs = 0; atMs <= 4_000; atMs += 10) next.arrived(atMs);
    expect(waitAt(next, 4_000)).toBeGreaterThan(7);
    expect(waitAt(next, 4_009)).toBeLessThan(6);
  });

  it('is long after a silence in a stream of bursts', () => {
    const next = new NextArrival();
    for (let burst = 0; burst <= 50; burst += 1) {
      for (let index = 0; index < 10; index += 1) next.arrived(burst * 500 + index);
    }
    const lastMs = 50 * 500 + 9;
    expect(waitAt(next, lastMs)).toBeLessThan(100);
    expect(waitAt(next, lastMs + 4)).toBeGreaterThan(300);
  });

  it('is longer than anybody waits where all clients wait for their answers already', () => {
    const next = new NextArrival();
    for (let round = 0; round < 100; round += 1) {
      for (let client = 0; client < 16; client += 1) next.arrived(round * 10 + client * 0.05);
      next.answered(round * 10 + 9.7); // then all of them send again, within a millisecond
    }
    expect(waitAt(next, 1_000 + 16 * 0.05 + 0.5)).toBeGreaterThan(50); // a round takes 10
  });

  it('is told for the first moment at which it is enough', () => {
    const next = new NextArrival();
    for (let burst = 0; burst <= 50; burst += 1) {
      for (let index = 0; index < 10; index += 1) next.arrived(burst * 500 + index);
    }
    const lastMs = 50 * 500 + 9;
    const atMs = next.firstWhere(lastMs, (_, waitMs) => waitMs > 200);
    expect(atMs - lastMs).toBeGreaterThan(0);
    expect(atMs - lastMs).toBeLessThanOrEqual(4);
    expect(next.firstWhere(lastMs, () => false)).toBe(Infinity);
  });

  it('takes requests that come out of order, or at once, for what they are', () => {
    const next = new NextArrival();
    next.arrived(10);
    next.arrived(4); // handed over by another queue
    next.answered(9); // as a clock of coarse steps may tell
    for (let atMs = 10; atMs <= 20; atMs += 1) for (let twin = 0; twin < 2; twin += 1) next.arrived(atMs);
    expect(waitAt(next, 20)).toBeGreaterThan(0);
    expect(waitAt(next, 20)).toBeLessThan(4);
  });
});
