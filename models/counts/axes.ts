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

/** An operator of which nothing is known: if it is given something counted, all that it gives may be. */
export function unknown(operands: Operands): TensorFacts {
  return {
    rank: undefined,
    counted: anyCounted(operands) ? 'some' : NO_AXES,
    isValue: anyValue(operands),
  };
}

/** The shape of `x`; its elements may come from others as well. */
export function alike(x: TensorFacts, operands: Operands = [x]): TensorFacts {
  return { rank: x.rank, counted: x.counted, isValue: anyValue(operands) };
}

/** As many of something as there are among values, along `axes`; of constants there are always as many. */
export function count(rank: number | undefined, axes: readonly number[], operands: Operands): TensorFacts {
  const isValue = anyValue(operands);
  return { rank, counted: isValue ? new Set(axes) : NO_AXES, isValue };
}

/** `x` with one axis whose size is that of something else. */
export function resized(x: TensorFacts, axis: number, isValue: boolean): TensorFacts {
  const at = resolve(axis, x.rank);
  if (at === undefined) return { ...alike(x), counted: isValue || isCounted(x) ? 'some' : NO_AXES };
  const rest = mapAxes(x.counted, (each) => (each === at ? undefined : each));
  return { ...alike(x), counted: isValue ? unite([rest, new Set([at])]) : rest };
}

/** Without some axes, and without their counts. */
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

/** Counted from the front, where it was counted from the end. */
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

/** The rank that several tensors are broadcast to. */
export function highest(ranks: readonly (number | undefined)[]): number | undefined {
  return ranks.every((rank) => rank !== undefined) ? Math.max(0, ...ranks) : undefined;
}

/** The axes of `x` where it is broadcast to a higher rank: they are aligned at the end. */
export function aligned(x: TensorFacts, rank: number): Axes {
  return mapAxes(x.counted, (axis) => axis + rank - x.rank!);
}
