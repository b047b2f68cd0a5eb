import { forAll, isCounted } from '../../../batch-axes/counts/facts.ts';
import { acrossAxes, combined, movedRows, reducedRows } from '../../../batch-axes/counts/row-rules.ts';
import { axisOf, mixed, NO_ROWS, type Rows } from '../../../batch-axes/counts/rows.ts';
import type { RowRule, TfNode } from '../tf-node.ts';

const REDUCE = 'All Any EuclideanNorm Max Mean Min Prod Sum';

/** Over all places of the last axis, whatever their attributes say. */
const OVER_LAST = 'FFT IFFT IRFFT LRN LogSoftmax RFFT Softmax TopKV2';

/** Numbers that say how large something is, or how much there is of it. */
const SIZES = 'Rank Shape ShapeN Size TensorArraySizeV3 TensorListLength';

/** Operators that compute something over all places of an axis. */
export const NORMALISING: Readonly<Record<string, RowRule>> = {
  ...forAll<RowRule>(REDUCE, (node, _, why) =>
    reducedRows(node.operand(0), node.numbers(1), node.flag('keep_dims'), why),
  ),
  ...forAll<RowRule>('ArgMax ArgMin', (node, _, why) =>
    reducedRows(node.operand(0), node.numbers(1), false, why),
  ),
  ...forAll<RowRule>(OVER_LAST, (node, _, why) => over(node, [-1], why)),
  // The runtime never trains: the statistics are those that it is given.
  ...forAll<RowRule>('FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3', (node, _, why) =>
    over(node, [], why),
  ),
  // What is turned round is the answer to another row.
  ...forAll<RowRule>('Cumprod Cumsum Reverse ReverseV2', (node, _, why) => over(node, node.numbers(1), why)),
  ...forAll<RowRule>('Bincount Unique UniqueV2', chosenAmong),
  ...forAll<RowRule>(
    'NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5',
    chosenAmong,
  ),
  // What is counted in a tensor of rows is counted in all of them.
  ...forAll<RowRule>(SIZES, (node, _, why) => {
    const counted = node.given.filter(isCounted);
    return counted.some((x) => axisOf(x) !== undefined) ? mixed(why) : combined(counted);
  }),
  ...forAll<RowRule>(
    'OnesLike RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal ZerosLike',
    () => NO_ROWS,
  ),
  Multinomial: (node) => movedRows(node.operand(0), (axis) => (axis === 0 ? 0 : undefined)),
};

function over(node: TfNode, axes: readonly number[] | undefined, why: string): Rows {
  return acrossAxes(node.operand(0), axes, node.operands, why);
}

/** A result of which all elements decide. */
function chosenAmong(node: TfNode, _: unknown, why: string): Rows {
  return axisOf(node.operand(0)) === undefined ? combined(node.operands) : mixed(why);
}
