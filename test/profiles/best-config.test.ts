import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestConfig,
  fastestConfig,
  keepsSlo,
  throughputPerCore,
  tightestSloMs,
} from '../../profiles/best-config.ts';
import { cell } from './sample-table.ts';

describe('feasibility', () => {
  it('needs only the percentile for a batch of one, and twice that for a larger one', () => {
    // p99 is 1.5 times p50.
    expect(keepsSlo(cell(1, 1000, 100), { sloMs: 150, percentile: 99 })).toBe(true);
    expect(keepsSlo(cell(1, 1000, 100), { sloMs: 149, percentile: 99 })).toBe(false);
    expect(keepsSlo(cell(2, 1000, 100), { sloMs: 299, percentile: 99 })).toBe(false);
    expect(keepsSlo(cell(2, 1000, 100), { sloMs: 300, percentile: 99 })).toBe(true);
    expect(keepsSlo(cell(2, 1000, 100), { sloMs: 200, percentile: 50 })).toBe(true);
  });
});

describe('best config', () => {
  const slo = { sloMs: 100, percentile: 50 } as const;

  it('answers most rows per core among those in time', () => {
    const cells = [cell(1, 1000, 20), cell(8, 1000, 50), cell(16, 1000, 90), cell(8, 2000, 40)];
    expect(bestConfig(cells, slo)).toMatchObject({ batch: 8, cpuMillicores: 1000 });
  });

  it('takes the faster one of two that cost the same', () => {
    const cells = [cell(1, 500, 20), cell(1, 1000, 10)];
    expect(bestConfig(cells, slo)).toMatchObject({ cpuMillicores: 1000 });
  });

  it('is none where none is in time; the fastest then says which SLO is', () => {
    const cells = [cell(1, 1000, 120), cell(4, 1000, 70)];
    expect(bestConfig(cells, slo)).toBeUndefined();
    expect(fastestConfig(cells, 50)).toMatchObject({ batch: 1 });
  });

  it('agrees with itself: the tightest SLO of the fastest is feasible, a shade below it is not', () => {
    const cellsArbitrary = fc.array(
      fc
        .tuple(
          fc.integer({ min: 1, max: 32 }),
          fc.integer({ min: 100, max: 8000 }),
          fc.double({ min: 0.1, max: 1e4, noNaN: true }),
        )
        .map(([batch, cpu, p50]) => cell(batch, cpu, p50)),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(
        cellsArbitrary,
        fc.constantFrom(50 as const, 95 as const, 99 as const),
        (cells, percentile) => {
          const sloMs = tightestSloMs(fastestConfig(cells, percentile)!, percentile);
          const winner = bestConfig(cells, { sloMs, percentile })!;
          expect(keepsSlo(winner, { sloMs, percentile })).toBe(true);
          expect(bestConfig(cells, { sloMs: sloMs * 0.999, percentile })).toBeUndefined();
          const unlimited = bestConfig(cells, { sloMs: Number.POSITIVE_INFINITY, percentile })!;
          expect(throughputPerCore(unlimited)).toBe(Math.max(...cells.map(throughputPerCore)));
        },
      ),
    );
  });
});
