import { alike, mapAxes, resolve, unknown } from './axes.ts';
import {
  anyValue,
  blend,
  isCounted,
  isValueAt,
  type Origin,
  type TensorFacts,
  unite,
  vector,
} from './facts.ts';

/** Elements of `x` at `indices` along an axis. @param batchAxes the number of leading axes in common */
export function gathered(x: TensorFacts, indices: TensorFacts, axis: number, batchAxes = 0): TensorFacts {
  if (x.elements !== undefined && indices.rank !== undefined && indices.rank <= 1) {
    const picked = pick(x.elements, indices);
    if (picked !== undefined) return vector(indices.rank as 0 | 1, picked);
  }
  const at = resolve(axis, x.rank);
  if (at === undefined || indices.rank === undefined) return unknown([x, indices]);
  const width = indices.rank - batchAxes;
  const ofX = mapAxes(x.counted, (each) => {
    if (each === at) return undefined;
    return each < at ? each : each - 1 + width;
  });
  const ofIndices = mapAxes(indices.counted, (each) => (each < batchAxes ? each : at + each - batchAxes));
  const rank = x.rank === undefined ? undefined : x.rank - 1 + width;
  return { rank, counted: unite([ofX, ofIndices]), isValue: anyValue([x, indices]) };
}

/** The element is known if its place is; if the place depends on values, so does the element. */
function pick(elements: readonly Origin[], indices: TensorFacts): Origin[] | undefined {
  const unknownPlace = indices.rank === 0 ? ([indices.isValue ? 'value' : 'shape'] as const) : undefined;
  const places = indices.elements ?? unknownPlace;
  return places?.map((place) => {
    const picked = typeof place === 'number' ? elements.at(place) : undefined;
    return picked ?? blend([...elements, place]);
  });
}

/**
 * Elements or slices of `x` at tuples of indices.
 *
 * @param depth the length of a tuple, undefined where it is not known
 * @param batchAxes the number of leading axes in common
 */
export function gatheredTuples(
  x: TensorFacts,
  indices: TensorFacts,
  depth: number | undefined,
  batchAxes = 0,
): TensorFacts {
  if (indices.rank === undefined) return unknown([x, indices]);
  const isValue = anyValue([x, indices]);
  const tuples = indices.rank - 1;
  const ofIndices = mapAxes(indices.counted, (axis) => (axis === tuples ? undefined : axis));
  if (depth === undefined) {
    return { rank: undefined, counted: isCounted(x) ? 'some' : ofIndices, isValue };
  }
  const ofX = mapAxes(x.counted, (axis) => {
    if (axis < batchAxes) return axis;
    return axis < batchAxes + depth ? undefined : axis - batchAxes - depth + tuples;
  });
  const rank = x.rank === undefined ? undefined : x.rank - batchAxes - depth + tuples;
  return { rank, counted: unite([ofIndices, ofX]), isValue };
}

/** The bounds of a slice. */
export interface Bounds {
  readonly starts: TensorFacts;
  readonly ends: TensorFacts;
  /** Default: the first axes. */
  readonly axes?: TensorFacts | undefined;
  readonly steps?: TensorFacts | undefined;
}

/** A slice. A part of a counted axis is counted, too. */
export function sliced(x: TensorFacts, { starts, ends, axes, steps }: Bounds): TensorFacts {
  const bounded = boundedAxes(x, starts.elements?.length ?? ends.elements?.length, axes);
  if (bounded === undefined) {
    return { ...alike(x), counted: anyValue([starts, ends]) ? 'some' : x.counted };
  }
  const cut = bounded.filter((_, index) => isValueAt(starts, index) || isValueAt(ends, index));
  const part: TensorFacts = { ...alike(x), counted: unite([x.counted, new Set(cut)]) };
  if (x.elements === undefined || bounded[0] !== 0) return part;
  const [start, end] = [starts.elements?.[0], ends.elements?.[0]];
  const step = steps?.elements?.[0] ?? 1;
  if (typeof start !== 'number' || typeof end !== 'number' || step !== 1) return part;
  return vector(1, x.elements.slice(start, end));
}

function boundedAxes(
  x: TensorFacts,
  length: number | undefined,
  axes: TensorFacts | undefined,
): number[] | undefined {
  if (axes === undefined) return length === undefined ? undefined : Array.from({ length }, (_, axis) => axis);
  const resolved = axes.elements?.map((axis) =>
    typeof axis === 'number' ? resolve(axis, x.rank) : undefined,
  );
  return resolved?.every((axis) => axis !== undefined) ? resolved : undefined;
}
