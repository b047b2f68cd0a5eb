import { mapAxes, resolve, resolveAll, unknown, without } from './axes.ts';
import { anyValue, type TensorFacts, unite, vector } from './facts.ts';

/** @param order the axis of `x` for each axis of the result; default: reversed */
export function transposed(x: TensorFacts, order?: readonly number[]): TensorFacts {
  const { rank = order?.length } = x;
  if (rank === undefined) return unknown([x]);
  const places = order ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const counted = mapAxes(x.counted, (axis) => {
    const place = places.findIndex((from) => resolve(from, rank) === axis);
    return place < 0 ? undefined : place;
  });
  return { rank, counted, isValue: anyValue([x]) };
}

/** Removes axes of size 1. @param axes undefined: all of them, or not known */
export function squeezed(x: TensorFacts, axes: readonly number[] | undefined): TensorFacts {
  if (x.elements !== undefined) return x.elements.length === 1 ? vector(0, x.elements) : x;
  const gone = axes === undefined ? undefined : resolveAll(axes, x.rank);
  return gone === undefined ? unknown([x]) : without(x, gone);
}

/** Adds axes of size 1. @param axes as numbered in the result; undefined where they are not known */
export function unsqueezed(x: TensorFacts, axes: readonly number[] | undefined): TensorFacts {
  const rank = axes === undefined || x.rank === undefined ? undefined : x.rank + axes.length;
  const added = axes === undefined ? undefined : resolveAll(axes, rank);
  if (added === undefined) return unknown([x]);
  if (x.elements !== undefined && rank === 1) return vector(1, x.elements);
  return {
    rank,
    counted: mapAxes(x.counted, (axis) => nthFree(axis, added)),
    isValue: anyValue([x]),
  };
}

/** The first place that has `before` places before it which are not `taken`. */
function nthFree(before: number, taken: ReadonlySet<number>): number {
  let place = 0;
  for (let free = 0; free < before || taken.has(place); place += 1) if (!taken.has(place)) free += 1;
  return place;
}

/** A concatenation. */
export function concatenated(operands: readonly TensorFacts[], axis: number): TensorFacts {
  const rank = operands.find((each) => each.rank !== undefined)?.rank;
  const lists = operands.map(({ elements }) => elements);
  if (rank === 1 && resolve(axis, rank) === 0 && lists.every((list) => list !== undefined)) {
    return vector(1, lists.flat());
  }
  return { rank, counted: unite(operands.map(({ counted }) => counted)), isValue: anyValue(operands) };
}

/** A concatenation along a new axis. */
export function stacked(operands: readonly TensorFacts[], axis: number): TensorFacts {
  return concatenated(
    operands.map((each) => unsqueezed(each, [axis])),
    axis,
  );
}
