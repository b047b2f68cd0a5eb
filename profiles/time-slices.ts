import { scaleLatency } from './statistics.ts';
import type { Cell, ProfileTable } from './table.ts';

/** Among how many processes a GPU is taken to be shared in turns. */
const TURNS = [2, 3, 4, 5, 6, 8, 10] as const;

/** Thousands of functions may be of one table: what is made of it is made once. */
const known = new WeakMap<ProfileTable, ProfileTable>();

/**
 * A table of whole GPUs with time slices of them: where processes take equal turns, one of n is as fast as if
 * it were alone for as long as the others have nothing to do, and takes n times as long when all of them
 * have. That is what is counted on; a table of MPS percentages or of MIG slices says nothing of turns, and is
 * returned as it is.
 */
export function withTimeSlices(table: ProfileTable): ProfileTable {
  if (table.quota.gpuSharing !== 'whole') return table;
  const before = known.get(table);
  if (before !== undefined) return before;
  const whole = table.cells.filter(({ gpuPercent }) => gpuPercent === 100);
  const slices = TURNS.flatMap((turns) => whole.map((cell) => sliceOf(cell, turns)));
  const more: ProfileTable = {
    ...table,
    quota: { ...table.quota, gpuSharing: 'time-slicing' },
    cells: [...table.cells, ...slices],
  };
  known.set(table, more);
  return more;
}

function sliceOf(cell: Cell, turns: number): Cell {
  // what other threads and a lone request took was measured of a whole one
  const { verdicts: _, otherThreads: __, otherPeriods, serving, ...rest } = cell;
  return {
    ...rest,
    gpuPercent: cell.gpuPercent / turns,
    ...inTurns(cell, turns),
    ...(otherPeriods === undefined
      ? {}
      : { otherPeriods: otherPeriods.map((other) => ({ ...other, ...inTurns(other, turns) })) }),
    ...(serving === undefined ? {} : { serving: { ...serving, loneRequestMs: undefined } }),
    predicted: true,
  };
}

function inTurns(measured: Pick<Cell, 'latencyMs' | 'throughputPerSecond'>, turns: number) {
  return {
    latencyMs: scaleLatency(measured.latencyMs, turns),
    throughputPerSecond: measured.throughputPerSecond / turns,
    samples: 0,
  };
}
