import { InflessError } from '../base/errors.ts';
import type { TensorSpec } from '../manifest/manifest.ts';
import { sliceRows, stackRows } from '../manifest/stacking.ts';
import type { NamedTensors, Tensor } from '../manifest/tensor.ts';

/**
 * Rows are counted while they are read: a body of few bytes may have many, and each costs a share of a run
 * and an answer.
 */
export function tooManyRows(limit: number): InflessError {
  return new InflessError('BODY_TOO_LARGE', `The request has more than the ${limit} rows taken here`, {
    remedy: 'Send fewer rows in a request.',
  });
}

/**
 * Turns a list of rows (their count first, as row form has it) into the tensor that the model takes.
 *
 * @param isShared whether other inputs have rows: then one without is given once, if it is the same in all
 */
export function rowsTensor(spec: TensorSpec, list: Tensor, isShared = false): Tensor {
  const [count, ...rowShape] = list.shape as [number, ...number[]];
  if (spec.batchAxis === 0) return list;
  const stacked = list.shape.length === spec.shape.length + 1;
  if (spec.batchAxis === null) {
    if (!stacked) return list;
    if (count === 1 || (isShared && hasEqualRows(list)))
      return { ...sliceRows(list, 0, 0, 1), shape: rowShape };
    throw new InflessError(
      'INVALID_INPUT',
      `Input "${spec.name}" takes one instance at a time, not ${count}`,
      {
        remedy: isShared
          ? 'Send the same value in all instances, or one request for each.'
          : 'Send one request for each instance.',
      },
    );
  }
  if (list.shape.length !== spec.shape.length) return list; // the shape check will tell
  const shape = rowShape.toSpliced(spec.batchAxis, 0, 1);
  const rows = Array.from({ length: count }, (_, row) => ({ ...sliceRows(list, 0, row, row + 1), shape }));
  return stackRows(rows, spec.batchAxis);
}

function hasEqualRows(list: Tensor): boolean {
  const count = list.shape[0]!;
  if (count === 0) return false;
  const width = list.data.length / count;
  return list.data.every((value: unknown, at: number) => Object.is(value, list.data[at % width]));
}

export interface RowListOptions {
  readonly specs?: readonly TensorSpec[] | undefined;
  readonly count?: number | undefined;
  readonly remedy?: string;
}

/** Tensors as lists of rows: the first size of each is the number of rows. */
export interface RowLists {
  readonly rows: number;
  readonly lists: readonly (readonly [name: string, list: Tensor])[];
}

/**
 * Turns tensors into lists of rows. Without `specs` the rows are taken to lie along the first axis; where no
 * tensor has a batch axis and the first sizes differ, everything together is one row.
 *
 * @param count the expected number of rows: a tensor whose batch axis has another length is treated as one
 *   without batch axis
 * @param remedy what to do where that is impossible
 * @throws InflessError INVALID_INPUT when a tensor has no rows although others have several.
 */
export function rowLists(tensors: NamedTensors, { specs, count, remedy }: RowListOptions = {}): RowLists {
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const declared = specs?.find((spec) => spec.name === name)?.batchAxis ?? null;
    const isCount = declared !== null && count !== undefined && tensor.shape[declared] !== count;
    const axis = isCount ? null : declared;
    return { name, tensor, isCount, size: axis === null ? undefined : tensor.shape[axis], axis: axis ?? 0 };
  });
  const firstSizes = new Set(entries.map(({ tensor }) => tensor.shape[0]));
  const common = firstSizes.size === 1 ? [...firstSizes][0] : undefined;
  const otherwise = entries.some(({ isCount }) => isCount) ? count! : 1;
  const rows = entries.find(({ size }) => size !== undefined)?.size ?? common ?? otherwise;
  return {
    rows,
    lists: entries.map(({ name, tensor, axis }) => [name, rowList(name, tensor, axis, rows, remedy)]),
  };
}

function rowList(name: string, tensor: Tensor, axis: number, rows: number, remedy?: string): Tensor {
  const { shape } = tensor;
  if (shape[axis] === rows) return axis === 0 ? tensor : axisFirst(tensor, axis);
  if (rows === 1) return { ...tensor, shape: [1, ...shape] };
  throw new InflessError(
    'INVALID_INPUT',
    `Tensor "${name}" cannot be split into ${rows} rows`,
    remedy === undefined ? {} : { remedy },
  );
}

function axisFirst(tensor: Tensor, axis: number): Tensor {
  const shape = [1, ...tensor.shape.toSpliced(axis, 1)];
  const rows = Array.from({ length: tensor.shape[axis]! }, (_, row) => ({
    ...sliceRows(tensor, axis, row, row + 1),
    shape,
  }));
  return stackRows(rows, 0);
}
