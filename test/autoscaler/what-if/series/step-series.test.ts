import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binAt, binsOf, StepSeries } from '../../../../autoscaler/what-if/series/step-series.ts';

describe('bins', () => {
  it.each([
    [10_000, 1_000, 10],
    [600_000, 2_000, 300],
    [86_400_000, 300_000, 288],
    [60 * 86_400_000, 21_600_000, 240],
    [1_500, 1_000, 2],
  ])('of %i ms last %i ms, of which there are %i', (durationMs, binMs, count) => {
    expect(binsOf(5, durationMs)).toEqual({ fromMs: 5, toMs: 5 + durationMs, binMs, count });
  });

  it('take in what happens from their beginning to before their end', () => {
    const bins = binsOf(1_000, 2_500);
    expect([999, 1_000, 1_999, 2_000, 3_499, 3_500].map((atMs) => binAt(bins, atMs))).toEqual([
      undefined,
      0,
      0,
      1,
      2,
      undefined,
    ]);
  });
});

describe('an amount that changes in steps', () => {
  it('has the means and the peak that looking at every millisecond gives', () => {
    const change = fc.record({
      afterMs: fc.integer({ min: 0, max: 700 }),
      by: fc.integer({ min: -3, max: 5 }),
    });
    const bins = binsOf(500, 2_700);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const series = new StepSeries(bins);
        const values = new Float64Array(5_000);
        let atMs = 0;
        for (const { afterMs, by } of changes) {
          atMs = Math.min(atMs + afterMs, 4_999);
          series.add(atMs, by);
          for (let ms = atMs; ms < values.length; ms += 1) values[ms]! += by;
        }
        series.advance(4_999);
        const meanOf = (fromMs: number, toMs: number): number =>
          values.slice(fromMs, toMs).reduce((sum, value) => sum + value, 0) / (toMs - fromMs);
        const expected = [meanOf(500, 1_500), meanOf(1_500, 2_500), meanOf(2_500, 3_200)];
        series.means(9_999).forEach((mean, bin) => {
          expect(mean).toBeCloseTo(expected[bin]!, 9);
        });
        expect(series.mean(3_200)).toBeCloseTo(meanOf(500, 3_200), 9);
        expect(series.peak).toBe(Math.max(0, ...values.slice(500, 3_200)));
      }),
    );
  });

  it('tells of no more than what has passed', () => {
    const series = new StepSeries(binsOf(0, 10_000));
    series.add(0, 4);
    series.advance(2_500);
    expect(series.means(2_500)).toEqual([4, 4, 4]);
    expect(series.means(0)).toEqual([]);
    expect(series.mean(0)).toBe(0);
  });
});
