import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inPhysicalOrder, isNoSlower, type Level } from '../../../profiles/surface/monotone.ts';
import type { SurfacePoint } from '../../../profiles/surface/point.ts';

const point = (batch: number, cpuMillicores: number, threads = 1): SurfacePoint => ({
  batch,
  cpuMillicores,
  gpuPercent: 0,
  threads,
  spinning: false,
});

const level = fc.record({
  batch: fc.constantFrom(1, 2, 4, 8),
  cpuMillicores: fc.constantFrom(250, 500, 1000),
  ms: fc.double({ min: 0.1, max: 1000, noNaN: true }),
});

test('times come into order whatever they were, and no measured time moves', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(level, { selector: (each) => `${each.batch}/${each.cpuMillicores}`, minLength: 1 }),
      fc.integer({ min: 0, max: 11 }),
      (times, measuredIndex) => {
        const levels = times.map(
          ({ batch, cpuMillicores, ms }, index): Level => ({
            point: point(batch, cpuMillicores),
            ms,
            fixed: index === measuredIndex,
          }),
        );
        const ordered = inPhysicalOrder(levels);
        levels.forEach((a, i) => {
          if (a.fixed) expect(ordered[i]).toBe(a.ms);
          levels.forEach((b, j) => {
            if (isNoSlower(a.point, b.point))
              expect(ordered[i]!).toBeLessThanOrEqual(ordered[j]! * (1 + 1e-12));
          });
        });
      },
    ),
  );
});

test('what is in order stays as it is', () => {
  const levels = [1, 2, 4].map((batch): Level => ({ point: point(batch, 500), ms: 3 * batch, fixed: false }));
  expect(inPhysicalOrder(levels)).toEqual([3, 6, 12]);
});

test('other threads may be slower with more', () => {
  expect(isNoSlower(point(1, 2000, 2), point(1, 1000, 1))).toBe(false);
  expect(isNoSlower(point(1, 2000, 2), point(1, 1500, 2))).toBe(true);
});
