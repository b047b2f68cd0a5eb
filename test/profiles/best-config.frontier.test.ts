import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestConfig,
  carriedBy,
  frontierOf,
  keepsSlo,
  perCore,
  perGpuPercent,
  SLO_PERCENTILES,
} from '../../profiles/best-config.ts';
import { cell, table } from './sample-table.ts';

const tables = fc
  .uniqueArray(
    fc
      .record({
        batch: fc.constantFrom(1, 2, 4, 8),
        cpu: fc.constantFrom(250, 500, 1000, 2000),
        p50: fc.integer({ min: 1, max: 500 }),
      })
      .map(({ batch, cpu, p50 }) => cell(batch, cpu, p50)),
    { minLength: 1, maxLength: 12, selector: ({ batch, cpuMillicores }) => `${batch}/${cpuMillicores}` },
  )
  .map((cells) => table(cells));

describe('frontierOf', () => {
  it('names for every SLO a config that keeps it and is as good as the best, but for its steps', () => {
    fc.assert(
      fc.property(
        tables,
        fc.double({ min: 0.5, max: 3000, noNaN: true }),
        fc.constantFrom(...SLO_PERCENTILES),
        (measured, sloMs, percentile) => {
          const slo = { sloMs, percentile };
          const point = frontierOf(measured, percentile).findLast((each) => each.sloMs <= sloMs);
          const best = bestConfig(measured, slo);
          expect(point === undefined).toBe(best === undefined);
          if (point === undefined || best === undefined) return;
          const carried = carriedBy(measured, point.cell, slo);
          expect(keepsSlo(measured, point.cell, slo)).toBe(true);
          expect(perCore(point.cell, carried)!).toBeGreaterThanOrEqual(point.value);
          const atPoint = { sloMs: point.sloMs, percentile };
          const bestThere = bestConfig(measured, atPoint)!;
          expect(perCore(bestThere, carriedBy(measured, bestThere, atPoint))!).toBeLessThanOrEqual(
            point.value,
          );
        },
      ),
    );
  });

  it('gives more at each point', () => {
    fc.assert(
      fc.property(tables, (measured) => {
        const points = frontierOf(measured, 99);
        for (const [index, { sloMs, value }] of points.slice(1).entries()) {
          expect(sloMs).toBeGreaterThan(points[index]!.sloMs);
          expect(value).toBeGreaterThan(points[index]!.value);
        }
      }),
    );
  });

  it('counts only configs that hold some of the resource', () => {
    const gpu = cell(1, 1000, 10, { gpuPercent: 20 });
    const points = frontierOf(table([cell(1, 1000, 5), gpu]), 99, perGpuPercent);
    expect(new Set(points.map((point) => point.cell))).toEqual(new Set([gpu]));
    expect(frontierOf(table([cell(1, 1000, 5)]), 99, perGpuPercent)).toEqual([]);
  });
});
