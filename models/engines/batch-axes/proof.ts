import { fromHalfBits } from '../../manifest/half.ts';
import { sliceRows } from '../../manifest/stacking.ts';
import type { Tensor } from '../../manifest/tensor.ts';

/** One output of three runs: row A alone, row B alone, both as one batch. */
export interface ProbeOutputs {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly both: Tensor;
}

/**
 * How far a row may differ when it runs beside another, relative to the output's largest value. Other kernels
 * round otherwise, and quantised models pick their scale over the whole batch; rows that truly depend on each
 * other (a softmax over the batch, a recurrent net along it) differ by far more.
 */
const TOLERANCE = 0.05;

/** The only axis that grew from one to two, if there is one: the rows of a batch lie along it. */
export function grownAxis({ a, both }: ProbeOutputs): number | null {
  if (a.shape.length !== both.shape.length) return null;
  const changed = [...a.shape.keys()].filter((axis) => a.shape[axis] !== both.shape[axis]);
  const axis = changed[0];
  if (axis === undefined || changed.length > 1) return null;
  return a.shape[axis] === 1 && both.shape[axis] === 2 ? axis : null;
}

/** Whether the two rows of the batch are what the model gives for each alone. */
export function rowsIndependent({ a, b, both }: ProbeOutputs, axis: number): boolean {
  return closeTo(sliceRows(both, axis, 0, 1), a) && closeTo(sliceRows(both, axis, 1, 2), b);
}

/** Whether two answers agree, but for rounding. */
export function closeTo(actual: Tensor, expected: Tensor): boolean {
  const [got, want] = [decimals(actual), decimals(expected)];
  if (got === undefined || want === undefined) return true;
  if (got.length !== want.length) return false;
  let peak = 0;
  for (const value of want) if (Number.isFinite(value)) peak = Math.max(peak, Math.abs(value));
  return want.every((value, index) => {
    return Object.is(value, got[index]) || Math.abs(value - got[index]!) <= TOLERANCE * peak;
  });
}

/**
 * The values of a float tensor; classes, flags and texts may jump for reasons of rounding and prove nothing.
 */
function decimals({ dtype, data }: Tensor): Float32Array | Float64Array | undefined {
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, fromHalfBits);
  return data instanceof Float32Array || data instanceof Float64Array ? data : undefined;
}
