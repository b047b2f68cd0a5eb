import { aligned, alike, count, highest, resized, unknown } from './axes.ts';
import {
  anyCounted,
  anyValue,
  hasCountedAxis,
  isCounted,
  isValueAt,
  NO_AXES,
  type Operands,
  type Origin,
  plain,
  type TensorFacts,
  unite,
  vector,
} from './facts.ts';
import { unsqueezed } from './moves.ts';
import { axisOf } from './rows.ts';

/** The shape of `x`, or the part of it from `start` to `end`. */
export function shapeOf(x: TensorFacts, start?: number, end?: number): TensorFacts {
  const { rank } = x;
  if (rank === undefined) return plain(1, isCounted(x));
  const sizes = Array.from({ length: rank }, (_, axis): Origin => {
    if (hasCountedAxis(x, axis)) return 'value';
    return axisOf(x) === axis ? 'rows' : 'shape';
  });
  return vector(1, sizes.slice(start, end));
}

/** The number of elements. */
export function sizeOf(x: TensorFacts): TensorFacts {
  return vector(0, [isCounted(x) ? 'value' : 'shape']);
}

/** @param zeroCopies whether a size of 0 copies the size of that axis of `x` */
export function reshaped(x: TensorFacts, shape: TensorFacts, zeroCopies: boolean): TensorFacts {
  const { elements: sizes } = shape;
  if (sizes === undefined) {
    return { ...unknown([x]), counted: anyValue([shape]) || anyCounted([x]) ? 'some' : NO_AXES };
  }
  const isCopied = (axis: number): boolean => zeroCopies && sizes[axis] === 0;
  const isRestCounted =
    sizes.includes('value') || x.counted === 'some' || [...x.counted].some((axis) => !isCopied(axis));
  const counted = sizes.flatMap((size, axis) => {
    if (isCopied(axis)) return hasCountedAxis(x, axis) ? [axis] : [];
    return size === 'value' || (size === -1 && isRestCounted) ? [axis] : [];
  });
  const facts = { rank: sizes.length, counted: new Set(counted), isValue: anyValue([x]) };
  return x.elements === undefined || sizes.length > 1 ? facts : { ...facts, elements: x.elements };
}

/** `x` broadcast to a shape. */
export function expanded(x: TensorFacts, shape: TensorFacts): TensorFacts {
  const target = filled(shape);
  const rank = highest([x.rank, target.rank]);
  if (rank === undefined) return unknown([x, target]);
  return {
    rank,
    counted: unite([aligned(x, rank), aligned(target, rank)]),
    isValue: anyValue([x, target]),
  };
}

/** A constant of a given shape. */
export function filled(shape: TensorFacts): TensorFacts {
  const { elements } = shape;
  if (elements === undefined) {
    return { rank: undefined, counted: anyValue([shape]) ? 'some' : NO_AXES, isValue: false };
  }
  const axes = [...elements.keys()].filter((axis) => elements[axis] === 'value');
  return { rank: elements.length, counted: new Set(axes), isValue: false };
}

/**
 * `x` padded, repeated or scaled. Where it is not known by how much on which axis, it is taken to be on a
 * counted axis if there is one: what is counted is usually padded to a fixed size.
 *
 * @param by one number for each axis
 */
export function stretched(x: TensorFacts, by: TensorFacts): TensorFacts {
  const longer = filled(by).counted;
  const counted = longer === 'some' && isCounted(x) ? x.counted : unite([x.counted, longer]);
  return { ...alike(x, [x, by]), counted };
}

/** A range of numbers: its length follows from the operands. */
export function range(operands: readonly TensorFacts[]): TensorFacts {
  return count(1, [0], operands);
}

/** `x` with a new size along each of `axes`. */
export function onAxes(x: TensorFacts, axes: readonly number[], sizes: TensorFacts): TensorFacts {
  const changed = axes.filter((_, index) => isValueAt(sizes, index));
  return {
    ...alike(x),
    counted: unite([x.counted, ...changed.map((axis) => resized(x, axis, true).counted)]),
  };
}

/** Adds an axis of size `depth`. @param operands all that the elements depend on */
export function oneHot(
  indices: TensorFacts,
  depth: TensorFacts,
  axis: number,
  operands: Operands,
): TensorFacts {
  const opened = unsqueezed(indices, [axis]);
  return { ...resized(opened, axis, anyValue([depth])), isValue: anyValue(operands) };
}
