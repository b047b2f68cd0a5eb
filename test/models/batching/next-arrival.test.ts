import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { NextArrival } from '../../../models/batching/next-arrival.ts';

/** Whether a request is likely to come (at one in five at least) within so long from `nowMs` on. */
function isLikely(next: NextArrival, nowMs: number, withinMs: number): boolean {
  return next.unlikelyFrom(nowMs, nowMs + withinMs, 0.2) > nowMs;
}

/** Within how long from `nowMs` on a request is as likely to come as not, in ms. */
function medianWait(next: NextArrival, nowMs: number): number {
  let [low, high] = [0, 1e6];
  while (high - low > 1e-3 * high) {
    const middle = (low + high) / 2;
    if (next.unlikelyFrom(nowMs, nowMs + middle, 0.5) > nowMs) high = middle;
    else low = middle;
  }
  return high;
}

function exponential(random: () => number, meanMs: number): number {
  return -Math.log(1 - random()) * meanMs;
}

describe('the next request', () => {
  it('is not waited for at first, nor after a single one', () => {
    const next = new NextArrival();
    expect(isLikely(next, 0, 1e6)).toBe(false);
    next.arrived(5);
    expect(isLikely(next, 5, 1e6)).toBe(false);
  });

  it.each([0.5, 3, 40])(
    'of a Poisson stream with gaps of %d ms is as near whatever the silence',
    (meanMs) => {
      const next = new NextArrival();
      const random = seededRandom(7);
      let nowMs = 0;
      for (let count = 0; count < 3_000; count += 1) {
        nowMs += exponential(random, meanMs);
        next.arrived(nowMs);
        if (random() < 0.2) next.answered(nowMs + exponential(random, meanMs)); // whenever that may be
      }
      for (const silentMs of [0, 0.5, 1, 2]) {
        const waitMs = medianWait(next, nowMs + silentMs * meanMs);
        expect(waitMs).toBeGreaterThan(0.7 * Math.LN2 * meanMs);
        expect(waitMs).toBeLessThan(1.4 * Math.LN2 * meanMs);
      }
    },
  );

  it('is nearer after a silence where requests come evenly', () => {
    const next = new NextArrival();
    for (let atMs = 0; atMs <= 4_000; atMs += 10) next.arrived(atMs);
    expect(isLikely(next, 4_000, 7)).toBe(false);
    expect(isLikely(next, 4_000, 11)).toBe(true);
    expect(isLikely(next, 4_009, 3)).toBe(true);
  });

  it('is far after a silence in a stream of bursts', () => {
    const next = new NextArrival();
    for (let burst = 0; burst <= 50; burst += 1) {
      for (let index = 0; index < 10; index += 1) next.arrived(burst * 500 + index);
    }
    const lastMs = 50 * 500 + 9;
    expect(isLikely(next, lastMs, 2)).toBe(true);
    expect(isLikely(next, lastMs + 4, 200)).toBe(false);
    expect(isLikely(next, lastMs + 4, 800)).toBe(true);
    const fromMs = next.unlikelyFrom(lastMs, lastMs + 200, 0.2);
    expect(fromMs).toBeGreaterThan(lastMs);
    expect(fromMs).toBeLessThanOrEqual(lastMs + 4);
  });

  it('does not come where all clients wait for their answers already', () => {
    const next = new NextArrival();
    for (let round = 0; round < 100; round += 1) {
      for (let client = 0; client < 16; client += 1) next.arrived(round * 10 + client * 0.05);
      next.answered(round * 10 + 9.7); // then all of them send again, within a millisecond
    }
    expect(isLikely(next, 1_000 + 16 * 0.05 + 0.5, 50)).toBe(false);
  });

  it('is taken for what it is, out of order or at once with another', () => {
    const next = new NextArrival();
    next.arrived(10);
    next.arrived(4); // handed over by another queue
    next.answered(9); // as a clock of coarse steps may tell
    for (let atMs = 10; atMs <= 20; atMs += 1) for (let twin = 0; twin < 2; twin += 1) next.arrived(atMs);
    expect(isLikely(next, 20, 3)).toBe(true);
  });
});
