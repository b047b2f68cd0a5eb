import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  limitCaseAt,
  smoothDownward,
  tabulatedLimit,
} from '../../../../autoscaler/planning/capacity/tabulate.ts';
import {
  LIMIT_AXES,
  LIMIT_COUNT,
  LIMIT_GRID,
  LIMIT_STRIDES,
  LIMIT_TREND,
  type LimitAxis,
  type LimitCase,
  loadLimitOf,
} from '../../../../profiles/capacity/limit-table.ts';

const POSITIONS = Array.from({ length: LIMIT_COUNT }, (_, position) => position);

function placeOn(axis: LimitAxis, position: number): number {
  return Math.floor(position / LIMIT_STRIDES[axis]) % LIMIT_GRID[axis].length;
}

const within = (axis: LimitAxis): fc.Arbitrary<number> =>
  fc.double({ min: LIMIT_GRID[axis][0]!, max: LIMIT_GRID[axis].at(-1)!, noNaN: true });

const cases: fc.Arbitrary<LimitCase> = fc.record({
  percentile: within('percentile'),
  arrivalCv: within('arrivalCv'),
  servers: fc.integer({ min: 1, max: 64 }),
  maxBatch: fc.integer({ min: 1, max: 32 }),
  timeRatio: within('timeRatio'),
});

describe('the table of load limits', () => {
  it.each<LimitCase>([
    { percentile: 99, arrivalCv: 1, servers: 4, maxBatch: 4, timeRatio: 0.25 },
    { percentile: 99, arrivalCv: 2, servers: 16, maxBatch: 8, timeRatio: 0.5 },
    { percentile: 99, arrivalCv: 1, servers: 1, maxBatch: 1, timeRatio: 0.5 },
    { percentile: 95, arrivalCv: 4, servers: 4, maxBatch: 32, timeRatio: 0.4 },
  ])('holds what simulating gives: $percentile $arrivalCv $servers $maxBatch $timeRatio', (limitCase) => {
    const simulated = Math.floor(tabulatedLimit(limitCase) * 1000) / 1000;
    const tabulated = loadLimitOf(limitCase);
    expect(tabulated).toBeLessThanOrEqual(simulated); // smoothing only ever lowers
    expect(tabulated).toBeGreaterThan(simulated - 0.02);
  });

  it('reaches what one queue over the pool is there for', () => {
    // Random routing gets 0.81 of the fluid rate for the first and 0.48 for the second.
    const base = { percentile: 99, timeRatio: 0.25, maxBatch: 4, servers: 4, arrivalCv: 1 };
    expect(loadLimitOf(base)).toBeGreaterThan(0.93);
    expect(
      loadLimitOf({ percentile: 99, timeRatio: 0.5, maxBatch: 8, servers: 16, arrivalCv: 2 }),
    ).toBeGreaterThan(0.85);
  });

  it('promises no more in a harder place, along every axis that has a direction', () => {
    for (const axis of LIMIT_AXES.filter((each) => LIMIT_TREND[each] !== 0)) {
      for (const position of POSITIONS) {
        if (placeOn(axis, position) === LIMIT_GRID[axis].length - 1) continue;
        const here = loadLimitOf(limitCaseAt(position));
        const next = loadLimitOf(limitCaseAt(position + LIMIT_STRIDES[axis]));
        expect((next - here) * LIMIT_TREND[axis]).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('lies within a share of the fluid rate', () => {
    for (const position of POSITIONS) {
      const limit = loadLimitOf(limitCaseAt(position));
      expect(limit).toBeGreaterThanOrEqual(0);
      expect(limit).toBeLessThanOrEqual(1);
    }
  });

  it('is interpolated between its neighbours', () => {
    fc.assert(
      fc.property(cases, (limitCase) => {
        const corners = LIMIT_AXES.reduce<LimitCase[]>(
          (all, axis) => {
            const grid: readonly number[] = LIMIT_GRID[axis];
            const below = grid.findLast((point) => point <= limitCase[axis])!;
            const above = grid.find((point) => point >= limitCase[axis])!;
            return all.flatMap((corner) => [
              { ...corner, [axis]: below },
              { ...corner, [axis]: above },
            ]);
          },
          [limitCase],
        );
        const limits = corners.map(loadLimitOf);
        expect(loadLimitOf(limitCase)).toBeGreaterThanOrEqual(Math.min(...limits) - 1e-9);
        expect(loadLimitOf(limitCase)).toBeLessThanOrEqual(Math.max(...limits) + 1e-9);
      }),
    );
  });

  it('falls to nothing where a batch takes as long as the SLO', () => {
    const at = (timeRatio: number): number =>
      loadLimitOf({ percentile: 99, arrivalCv: 1, servers: 4, maxBatch: 1, timeRatio });
    expect(at(0.9)).toBeGreaterThan(at(0.95));
    expect(at(0.95)).toBeGreaterThan(0);
    expect([at(1), at(1.5), at(Number.NaN)]).toEqual([0, 0, 0]);
  });

  it('speaks for the nearest point outside of its range', () => {
    const base = { percentile: 99, arrivalCv: 1, servers: 64, maxBatch: 32, timeRatio: 0.3 };
    expect(loadLimitOf({ ...base, servers: 1000, maxBatch: 128 })).toBe(loadLimitOf(base));
    expect(loadLimitOf({ ...base, arrivalCv: 0 })).toBe(loadLimitOf(base));
  });
});

describe('smoothing', () => {
  it('only lowers, and lowers nothing twice', () => {
    const noisy = POSITIONS.map((position) => ((position * 7919) % 1000) / 1000);
    const smooth = smoothDownward(noisy);
    for (const position of POSITIONS) expect(smooth[position]).toBeLessThanOrEqual(noisy[position]!);
    expect(smoothDownward(smooth)).toEqual(smooth);
  });
});
