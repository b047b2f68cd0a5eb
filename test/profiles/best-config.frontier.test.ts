import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestConfig,
  frontierOf,
  perGpuPercent,
  SLO_PERCENTILES,
  throughputPerCore,
} from '../../profiles/best-config.ts';
import { cell } from './sample-table.ts';

const cells = fc.array(
  fc
    .record({
      batch: fc.constantFrom(1, 2, 4, 8),
      cpu: fc.constantFrom(250, 500, 1000, 2000),
      p50: fc.integer({ min: 1, max: 500 }),
    })
    .map(({ batch, cpu, p50 }) => cell(batch, cpu, p50)),
  { minLength: 1, maxLength: 20 },
);

describe('frontierOf', () => {
  it('holds the best config of every SLO', () => {
    fc.assert(
      fc.property(
        cells,
        fc.double({ min: 0.5, max: 3000, noNaN: true }),
        fc.constantFrom(...SLO_PERCENTILES),
        (measured, sloMs, percentile) => {
          const point = frontierOf(measured, percentile).findLast((each) => each.sloMs <= sloMs);
          const best = bestConfig(measured, { sloMs, percentile });
          expect(point === undefined).toBe(best === undefined);
          if (point !== undefined && best !== undefined)
            expect(throughputPerCore(point.cell)).toBe(throughputPerCore(best));
        },
      ),
    );
  });

  it('gives more at each point', () => {
    fc.assert(
      fc.property(cells, (measured) => {
        const points = frontierOf(measured, 99);
        for (const [index, { sloMs, cell: own }] of points.slice(1).entries()) {
          expect(sloMs).toBeGreaterThan(points[index]!.sloMs);
          expect(throughputPerCore(own)).toBeGreaterThan(throughputPerCore(points[index]!.cell));
        }
      }),
    );
  });

  it('counts only configs that hold some of the resource', () => {
    const gpu = cell(1, 1000, 10, { gpuPercent: 20 });
    expect(frontierOf([cell(1, 1000, 5), gpu], 99, perGpuPercent).map((point) => point.cell)).toEqual([gpu]);
    expect(frontierOf([cell(1, 1000, 5)], 99, perGpuPercent)).toEqual([]);
  });
});
