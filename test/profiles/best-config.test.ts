import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceTimes } from '../../autoscaler/latency/service-times.ts';
import { percentileRateModel } from '../../autoscaler/planning/capacity/percentile-rates.ts';
import {
  bestConfig,
  carriedBy,
  fastestConfig,
  keepsSlo,
  NO_SLO,
  perCore,
  tightestSloMs,
} from '../../profiles/best-config.ts';
import type { Cell } from '../../profiles/table.ts';
import { cell, table } from './sample-table.ts';

const cellsArbitrary = fc.uniqueArray(
  fc
    .tuple(
      fc.integer({ min: 1, max: 32 }),
      fc.integer({ min: 100, max: 8000 }),
      fc.double({ min: 0.1, max: 1e4, noNaN: true }),
      fc.double({ min: 0, max: 50, noNaN: true }),
    )
    .map(([batch, cpu, p50, decode]) => cell(batch, cpu, p50, { codecMs: { decode, encode: 0.1 } })),
  {
    minLength: 1,
    maxLength: 20,
    selector: ({ batch, cpuMillicores }) => `${batch}/${cpuMillicores}`,
  },
);
const percentiles = fc.constantFrom(50 as const, 95 as const, 99 as const);

describe('what an instance carries', () => {
  it('counts JSON: an image that takes longer to read than to look at', () => {
    const plain = cell(1, 1000, 10);
    const image = cell(1, 1000, 10, { codecMs: { decode: 30, encode: 0 }, transferMs: 10 });
    const slo = { sloMs: 200, percentile: 99 } as const;
    const carried = carriedBy(table([image]), image, slo);
    expect(carried).toBeLessThan(1000 / (10.5 + 30 + 10));
    expect(carriedBy(table([plain]), plain, slo)).toBeGreaterThan(2.5 * carried);
    // The batch alone would be in time: 15 ms at p99.
    expect(keepsSlo(table([image]), image, { sloMs: 50, percentile: 99 })).toBe(false);
    expect(keepsSlo(table([plain]), plain, { sloMs: 50, percentile: 99 })).toBe(true);
  });

  it('is what the planner says of a set of one', () => {
    fc.assert(
      fc.property(
        cellsArbitrary,
        percentiles,
        fc.double({ min: 1, max: 1e5, noNaN: true }),
        (cells, percentile, sloMs) => {
          const measured = table(cells);
          const slo = { sloMs, percentile, arrivalCv: 1 };
          for (const candidate of new ServiceTimes(measured).candidates({ maxBatch: 64, percentile })) {
            const carried = carriedBy(measured, candidate.config, slo);
            expect(percentileRateModel.capacityPerSecond([candidate], slo)).toBe(carried);
            expect(percentileRateModel.feasible(candidate, slo)).toBe(
              keepsSlo(measured, candidate.config, slo),
            );
          }
        },
      ),
    );
  });
});

describe('best config', () => {
  const slo = { sloMs: 200, percentile: 99 } as const;
  const best = (...cells: Cell[]): Cell | undefined => bestConfig(table(cells), slo);

  it('carries most per core among those in time', () => {
    expect(best(cell(1, 1000, 20), cell(8, 1000, 50), cell(16, 1000, 180), cell(8, 2000, 40))).toMatchObject({
      batch: 8,
      cpuMillicores: 1000,
    });
  });

  it('is not the one that answers most where its batches leave no time to wait', () => {
    // b8 runs 80 rows a second against 50, but must not be loaded: a batch takes three quarters of the SLO.
    expect(best(cell(1, 1000, 20), cell(8, 1000, 100))).toMatchObject({ batch: 1 });
  });

  it('is none where none is in time; the fastest then says which SLO is', () => {
    const slow = table([cell(1, 1000, 240), cell(4, 2000, 140)]);
    expect(bestConfig(slow, slo)).toBeUndefined();
    expect(fastestConfig(slow, 99)).toMatchObject({ batch: 4 });
  });

  it('is chosen among the cells that may be', () => {
    const cells = [cell(1, 1000, 20), cell(8, 1000, 50)];
    expect(bestConfig(table(cells), slo, cells.slice(0, 1))).toBe(cells[0]);
    expect(bestConfig(table(cells), slo, [])).toBeUndefined();
  });

  it('agrees with itself: the tightest SLO of the fastest is feasible, a shade below it is not', () => {
    fc.assert(
      fc.property(cellsArbitrary, percentiles, (cells, percentile) => {
        const measured = table(cells);
        const sloMs = tightestSloMs(measured, fastestConfig(measured, percentile)!, percentile);
        const winner = bestConfig(measured, { sloMs, percentile })!;
        expect(keepsSlo(measured, winner, { sloMs, percentile })).toBe(true);
        expect(bestConfig(measured, { sloMs: sloMs * 0.999, percentile })).toBeUndefined();
        const perCoreOf = (each: Cell): number => perCore(each, carriedBy(measured, each, NO_SLO))!;
        expect(perCoreOf(bestConfig(measured, NO_SLO)!)).toBe(Math.max(...cells.map(perCoreOf)));
      }),
    );
  });
});
