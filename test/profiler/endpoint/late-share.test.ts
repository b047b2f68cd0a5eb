import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { type Counts, fewestRequests, lateShare } from '../../../profiler/endpoint/late-share.ts';

const stretches = fc
  .array(
    fc.nat(200).chain((requests) => fc.record({ requests: fc.constant(requests), late: fc.nat(requests) })),
    { minLength: 2, maxLength: 80 },
  )
  .filter((counts) => counts.some(({ requests }) => requests > 0));

describe('lateShare', () => {
  it('has the share in its interval, which grows with the confidence', () => {
    fc.assert(
      fc.property(stretches, fc.double({ min: 0.5, max: 0.99, noNaN: true }), (counts, confidence) => {
        const { share, interval } = lateShare(counts, confidence);
        const surer = lateShare(counts, confidence + 0.009).interval;
        const slack = 1e-9;
        expect(interval[0]).toBeLessThanOrEqual(share + slack);
        expect(interval[1]).toBeGreaterThanOrEqual(share - slack);
        expect(surer[0]).toBeLessThanOrEqual(interval[0] + slack);
        expect(surer[1]).toBeGreaterThanOrEqual(interval[1] - slack);
      }),
    );
  });

  it('is the share itself at even odds', () => {
    expect(lateShare([{ requests: 60, late: 3 }, { requests: 40, late: 2 }], 0.5).interval).toEqual([0.05, 0.05]); // biome-ignore format: one case
  });

  it('is wider where late requests come together', () => {
    const even = lateShare(Array.from({ length: 20 }, () => ({ requests: 50, late: 1 })), 0.95); // biome-ignore format: one case
    const together = lateShare(
      Array.from({ length: 20 }, (_, index) => ({ requests: 50, late: index === 7 ? 20 : 0 })),
      0.95,
    );
    expect(together.share).toBe(even.share);
    expect(together.interval[1]).toBeGreaterThan(2 * even.interval[1]);
  });

  it('errs about as often as it says where requests are independent', () => {
    const random = seededRandom(7);
    const runs = 2000;
    let above = 0;
    for (let run = 0; run < runs; run += 1) {
      const counts = Array.from({ length: 20 }, (): Counts => {
        const late = Array.from({ length: 50 }, () => random() < 0.02).filter(Boolean).length;
        return { requests: 50, late };
      });
      if (lateShare(counts, 0.95).interval[1] < 0.02) above += 1;
    }
    expect(above / runs).toBeLessThan(0.06);
  });

  it('is below a share when so many requests were all in time', () => {
    const requests = Math.ceil(fewestRequests(0.01, 0.95, 20) / 20);
    const counts = (each: number): Counts[] =>
      Array.from({ length: 20 }, () => ({ requests: each, late: 0 }));
    expect(lateShare(counts(requests), 0.95).interval[1]).toBeLessThanOrEqual(0.01);
    expect(lateShare(counts(requests - 2), 0.95).interval[1]).toBeGreaterThan(0.01);
  });
});
