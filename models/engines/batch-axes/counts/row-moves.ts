import { resolve } from './axes.ts';
import type { TensorFacts } from './facts.ts';
import { combined, movedRows } from './row-rules.ts';
import { along, axisOf, type Rows, rowsOf, UNKNOWN_ROWS } from './rows.ts';

/** @param order undefined where it is not known */
export function transposedRows(x: TensorFacts, order: readonly number[] | undefined): Rows {
  return movedRows(x, (axis) => order?.findIndex((from) => resolve(from, x.rank) === axis));
}

/** @param axes undefined where they are not known */
export function squeezedRows(x: TensorFacts, axes: readonly number[] | undefined): Rows {
  const gone = axes?.map((each) => resolve(each, x.rank));
  return movedRows(x, (axis) => {
    if (gone === undefined || gone.some((each) => each === undefined || each === axis)) return undefined;
    return axis - gone.filter((each) => each! < axis).length;
  });
}

/** @param rank that of the result */
export function unsqueezedRows(
  x: TensorFacts,
  added: readonly number[] | undefined,
  rank: number | undefined,
): Rows {
  const axes = added?.map((each) => resolve(each, rank));
  return movedRows(x, (axis) => {
    if (axes === undefined || axes.includes(undefined)) return undefined;
    let place = 0;
    for (let free = 0; free < axis || axes.includes(place); place += 1) if (!axes.includes(place)) free += 1;
    return place;
  });
}

/** Broadcast to a shape. @param rank that of the result */
export function expandedRows(x: TensorFacts, shape: TensorFacts, rank: number | undefined): Rows {
  if (rowsOf(shape).kind === 'mixed') return rowsOf(shape);
  return movedRows(x, (axis) =>
    rank === undefined || x.rank === undefined ? undefined : axis + rank - x.rank,
  );
}

/** A new axis at `at`, of the indices of a table without rows. */
export function oneHotRows(indices: TensorFacts, at: number | undefined): Rows {
  return movedRows(indices, (axis) => (at === undefined ? undefined : axis < at ? axis : axis + 1));
}

/** Rows beside rows of another tensor stay where they are; behind them, their places are no longer known. */
export function joinedRows(given: readonly TensorFacts[], at: number | undefined): Rows {
  const rest = combined(given.filter((each) => axisOf(each) === undefined));
  const axes = new Set(given.map(axisOf).filter((each) => each !== undefined));
  const [axis, ...others] = axes;
  if (rest.kind === 'mixed' || axis === undefined) return rest;
  if (others.length > 0 || rest.kind !== 'none' || at === undefined || at === axis) return UNKNOWN_ROWS;
  return along(axis);
}
