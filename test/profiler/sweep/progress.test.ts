import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remainingMs } from '../../../profiler/sweep/progress.ts';

describe('remaining time', () => {
  it('starts from the nominal time of a cell and a second around it', () => {
    expect(remainingMs([], 10, 3000)).toBe(40_000);
  });

  it('approaches the mean of the finished cells', () => {
    expect(remainingMs(new Array<number>(99).fill(2000), 10, 3000)).toBeCloseTo(20_200);
  });

  it('lies between the cheapest and the dearest, and is nothing when nothing is left', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 })), fc.nat(100), (finished, remaining) => {
        const eachMs = remainingMs(finished, remaining, 3000) / Math.max(1, remaining);
        if (remaining === 0) expect(eachMs).toBe(0);
        else {
          expect(eachMs).toBeGreaterThanOrEqual(Math.min(4000, ...finished));
          expect(eachMs).toBeLessThanOrEqual(Math.max(4000, ...finished));
        }
      }),
    );
  });
});
