import {
  type Axes,
  anyCounted,
  anyValue,
  isCounted,
  NO_AXES,
  type Operands,
  type TensorFacts,
  unite,
} from './facts.ts';

/** The result of an unknown operator: if an operand has a counted axis, any axis of the result may be one. */
export function unknown(operands: Operands): TensorFacts {
  return {
    rank: undefined,
    counted: anyCounted(operands) ? 'some' : NO_AXES,
    isValue: anyValue(operands),
  };
}

/** A result of the same shape as `x`, computed from `operands`. */
export function alike(x: TensorFacts, operands: Operands = [x]): TensorFacts {
  return { rank: x.rank, counted: x.counted, isValue: anyValue(operands) };
}

/** A result whose `axes` are counted, unless the operands are known without running. */
export function count(rank: number | undefined, axes: readonly number[], operands: Operands): TensorFacts {
  const isValue = anyValue(operands);
  return { rank, counted: isValue ? new Set(axes) : NO_AXES, isValue };
}

/** `x` with a new size along one axis. @param isValue whether that size depends on values */
export function resized(x: TensorFacts, axis: number, isValue: boolean): TensorFacts {
  const at = resolve(axis, x.rank);
  if (at === undefined) return { ...alike(x), counted: isValue || isCounted(x) ? 'some' : NO_AXES };
  const rest = mapAxes(x.counted, (each) => (each === at ? undefined : each));
  return { ...alike(x), counted: isValue ? unite([rest, new Set([at])]) : rest };
}

/** `x` without some of its axes. */
export function without(x: TensorFacts, gone: ReadonlySet<number>): TensorFacts {
  const to = (axis: number): number | undefined =>
    gone.has(axis) ? undefined : axis - [...gone].filter((each) => each < axis).length;
  const rank = x.rank === undefined ? undefined : x.rank - gone.size;
  return { rank, counted: mapAxes(x.counted, to), isValue: anyValue([x]) };
}

export function mapAxes(axes: Axes, to: (axis: number) => number | undefined): Axes {
  if (axes === 'some') return axes;
  return new Set([...axes].map(to).filter((axis) => axis !== undefined));
}

/** A non-negative axis; undefined for a negative one of a tensor whose rank is not known. */
export function resolve(axis: number, rank: number | undefined): number | undefined {
  if (axis >= 0) return axis;
  return rank === undefined ? undefined : axis + rank;
}

export function resolveAll(
  axes: readonly number[],
  rank: number | undefined,
): ReadonlySet<number> | undefined {
  const resolved = axes.map((axis) => resolve(axis, rank));
  return resolved.every((axis) => axis !== undefined) ? new Set(resolved) : undefined;
}

/** The rank that tensors are broadcast to. */
export function highest(ranks: readonly (number | undefined)[]): number | undefined {
  return ranks.every((rank) => rank !== undefined) ? Math.max(0, ...ranks) : undefined;
}

/** The counted axes of `x` after broadcasting to `rank`: axes are aligned at the end. */
export function aligned(x: TensorFacts, rank: number): Axes {
  return mapAxes(x.counted, (axis) => axis + rank - x.rank!);
}
