import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BIN_MS,
  BINS,
  binOf,
  IdleHistogram,
  OVERFLOW_BIN,
  RANGE_MS,
} from '../../../../autoscaler/demand/keepalive/idle-histogram.ts';
import { MINUTE_MS } from './arbitraries.ts';

/** Bins of samples in the histogram, each time one is added or the oldest is taken away. */
const histories = fc.array(fc.oneof(fc.constant('remove' as const), fc.nat(3), fc.nat(OVERFLOW_BIN)), {
  maxLength: 200,
});

describe('an idle histogram', () => {
  it('knows nothing at first', () => {
    const { headMs, tailMs, countCv } = new IdleHistogram();
    expect([headMs, tailMs, countCv]).toEqual([0, 0, 0]);
  });

  it('tells the bins of the 5th and the 99th percentile', () => {
    const histogram = new IdleHistogram();
    for (let minute = 0; minute < 100; minute += 1) histogram.add(binOf(minute * MINUTE_MS));
    expect(histogram.headMs).toBe(4 * MINUTE_MS);
    expect(histogram.tailMs).toBe(99 * MINUTE_MS);
  });

  it('ends at its range', () => {
    const histogram = new IdleHistogram();
    histogram.add(binOf(30 * 3_600_000));
    expect(histogram.tailMs).toBe(RANGE_MS);
  });

  it('has head, tail and variation of what was added and not taken away', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const histogram = new IdleHistogram();
        const samples: number[] = [];
        for (const step of history) {
          if (step !== 'remove') {
            samples.push(step);
            histogram.add(step);
          } else if (samples.length > 0) histogram.add(samples.shift()!, -1);
          expect(histogram.total).toBe(samples.length);
          if (samples.length === 0) continue;
          expect(histogram.headMs).toBe(percentileBin(samples, 0.05) * BIN_MS);
          expect(histogram.tailMs).toBe(Math.min(RANGE_MS, (percentileBin(samples, 0.99) + 1) * BIN_MS));
        }
      }),
    );
  });

  it('has the coefficient of variation of its counts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(BINS - 1), { minLength: 1 }), (bins) => {
        const histogram = new IdleHistogram();
        const counts = new Array<number>(BINS).fill(0);
        for (const bin of bins) {
          histogram.add(bin);
          counts[bin]! += 1;
        }
        const mean = bins.length / BINS;
        const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / BINS;
        expect(histogram.countCv).toBeCloseTo(Math.sqrt(variance) / mean, 6);
      }),
    );
  });
});

/** By definition: the first bin by whose end the share of the samples is reached. */
function percentileBin(samples: readonly number[], share: number): number {
  const rank = share * samples.length;
  return [...samples]
    .sort((a, b) => a - b)
    .find((bin) => samples.filter((other) => other <= bin).length >= rank)!;
}
