import { allocate, elementCount, type NumericArray, type Tensor, type TensorData } from './tensor.ts';

/**
 * Joins tensors along an axis. Along axis 0 each is one block copy; along another axis, one for every index
 * of the axes before it. Shapes must agree on all other axes.
 *
 * @param reuse storage to fill instead of new one, when it is of the same type and long enough.
 */
export function stackRows(tensors: readonly Tensor[], axis: number, reuse?: TensorData): Tensor {
  const first = tensors[0]!;
  if (tensors.length === 1) return first;
  const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[axis]!, 0);
  const shape = first.shape.with(axis, rows);
  const length = elementCount(shape);
  const data =
    reuse !== undefined && reuse.length >= length ? view(reuse, 0, length) : allocate(first.dtype, length);
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  let row = 0;
  for (const tensor of tensors) {
    const run = tensor.shape[axis]! * inner;
    for (let block = 0; block < outer; block += 1) {
      const source = outer === 1 ? tensor.data : view(tensor.data, block * run, (block + 1) * run);
      copyInto(data, source, (block * rows + row) * inner);
    }
    row += tensor.shape[axis]!;
  }
  return { dtype: first.dtype, shape, data };
}

/**
 * Rows `start` to `end` (exclusive) of a tensor: a view of the same memory along axis 0, else a copy.
 *
 * @throws RangeError for rows that the tensor does not have
 */
export function sliceRows(tensor: Tensor, axis: number, start: number, end: number): Tensor {
  const { dtype, shape, data } = tensor;
  const rows = shape[axis] ?? 0;
  if (start < 0 || start > end || end > rows)
    throw new RangeError(`no rows ${start} to ${end} on axis ${axis} of shape [${shape.join(',')}]`);
  if (start === 0 && end === rows) return tensor;
  const sliced = shape.with(axis, end - start);
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  if (outer === 1) return { dtype, shape: sliced, data: view(data, start * inner, end * inner) };
  const part = allocate(dtype, elementCount(sliced));
  for (let block = 0; block < outer; block += 1) {
    const from = (block * rows + start) * inner;
    copyInto(part, view(data, from, from + (end - start) * inner), block * (end - start) * inner);
  }
  return { dtype, shape: sliced, data: part };
}

function view(data: TensorData, start: number, end: number): TensorData {
  return Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end);
}

function copyInto(target: TensorData, source: TensorData, offset: number): void {
  if (Array.isArray(target)) {
    for (const [index, text] of (source as string[]).entries()) target[offset + index] = text;
  } else {
    (target as Uint8Array).set(source as Exclude<NumericArray, BigInt64Array | BigUint64Array>, offset);
  }
}
