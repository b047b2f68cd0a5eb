import { forAll } from '../../../batch-axes/counts/facts.ts';
import { acrossAxes, combined, movedRows, reducedRows } from '../../../batch-axes/counts/row-rules.ts';
import { along, axisOf, mixed, NO_ROWS, UNKNOWN_ROWS } from '../../../batch-axes/counts/rows.ts';
import type { OnnxNode, RowRule } from '../onnx-node.ts';

const REDUCE = `ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
  ReduceSumSquare`;

/** From this opset on, normalising is along one axis; before, along it and all behind. */
const ONE_AXIS = 13;
/** From this opset on, training is an attribute. */
const TRAINING_MODE = 14;

/** Operators that compute something over all places of an axis. */
export const NORMALISING: Readonly<Record<string, RowRule>> = {
  ...forAll<RowRule>(REDUCE, (node, _, why) => {
    const x = node.operand(0);
    const keepsAxes = node.int('keepdims', 1) === 1;
    if (node.isGiven('axes', 1)) {
      const axes = node.numbers('axes', 1);
      if (axes === undefined || axes.length > 0) return reducedRows(x, axes, keepsAxes, why);
    }
    if (node.int('noop_with_empty_axes', 0) === 1) return movedRows(x, (axis) => axis);
    return reducedRows(x, 'all', keepsAxes, why);
  }),
  ...forAll<RowRule>('ArgMax ArgMin', (node, _, why) =>
    reducedRows(node.operand(0), [node.int('axis', 0)], node.int('keepdims', 1) === 1, why),
  ),
  ...forAll<RowRule>('Softmax LogSoftmax Hardmax', (node, _, why) => {
    if (node.opset >= ONE_AXIS) return over(node, [node.int('axis', -1)], why);
    return over(node, from(node, node.int('axis', 1)), why);
  }),
  ...forAll<RowRule>(
    'LayerNormalization RMSNormalization SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization',
    (node, _, why) => over(node, from(node, node.int('axis', -1)), why),
  ),
  LpNormalization: (node, _, why) => over(node, [node.int('axis', -1)], why),
  MeanVarianceNormalization: (node, _, why) => over(node, node.ints('axes') ?? [0, 2, 3], why),
  ...forAll<RowRule>('InstanceNormalization GlobalAveragePool GlobalLpPool GlobalMaxPool', (node, _, why) =>
    over(node, from(node, 2), why),
  ),
  GroupNormalization: (node, _, why) => over(node, from(node, 1), why),
  LRN: (node, _, why) => over(node, [1], why),
  BatchNormalization(node, facts, why) {
    const given = node.proto.output.filter((name) => name !== '').length;
    const isTraining =
      node.opset >= TRAINING_MODE
        ? node.int('training_mode', 0) === 1
        : given > 1 || node.int('is_test', 1) === 0;
    const axis = axisOf(node.operand(0));
    if (!isTraining || axis === undefined || axis === 1) return over(node, [], why);
    return facts.map(() => mixed(why));
  },
  CumSum: (node, _, why) => {
    const places = node.operand(1).elements;
    const axes = places?.every((each) => typeof each === 'number') === true ? places : undefined;
    return over(node, axes, why);
  },
  TopK: (node, _, why) => over(node, [node.int('axis', -1)], why),
  Unique: (node, facts, why) =>
    axisOf(node.operand(0)) === undefined ? combined(node.operands) : facts.map(() => mixed(why)),
  ReverseSequence: (node, _, why) => over(node, [node.int('time_axis', 0)], why),
  // One scale for all that it is given: that of the largest value.
  ...forAll<RowRule>('DynamicQuantizeLinear DynamicQuantizeMatMul DynamicQuantizeLSTM', (node, facts) => {
    const rows = combined(node.operands);
    if (rows.kind === 'none' || rows.kind === 'one' || rows.kind === 'mixed') return rows;
    return facts.map(() => mixed('quantisation is dynamic, with one scale for all rows of a batch'));
  }),
  // What is counted in a tensor of rows is counted in all of them.
  ...forAll<RowRule>('Shape Size', (node, _, why) => {
    const x = node.operand(0);
    const isCounted = x.counted === 'some' || x.counted.size > 0;
    if (!isCounted) return NO_ROWS;
    return axisOf(x) === undefined ? combined([x]) : mixed(why);
  }),
  ...forAll<RowRule>('EyeLike RandomNormalLike RandomUniformLike', () => NO_ROWS),
  Multinomial: (node) => movedRows(node.operand(0), (axis) => (axis === 0 ? 0 : undefined)),
  ...forAll<RowRule>('GRU LSTM RNN', recurrent),
};

function over(node: OnnxNode, axes: readonly number[] | undefined, why: string) {
  return acrossAxes(node.operand(0), axes, node.operands, why);
}

/** An axis and all behind it. */
function from(node: OnnxNode, axis: number): readonly number[] | undefined {
  const { rank } = node.operand(0);
  if (rank === undefined) return undefined;
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: Math.max(0, rank - first) }, (_, index) => first + index);
}

/** From [steps, batch, features], or batch first, to all steps, the last one and the last cell state. */
function recurrent(node: OnnxNode, _facts: unknown, why: string) {
  const isBatchFirst = node.int('layout', 0) === 1;
  const batchAxis = isBatchFirst ? 0 : 1;
  const rest = combined(node.operands.slice(1).filter((each) => axisOf(each) === undefined));
  if (rest.kind === 'mixed') return rest;
  const axis = axisOf(node.operand(0));
  if (axis === undefined) return combined(node.operands);
  if (axis !== batchAxis) return mixed(why);
  if (rest.kind !== 'none') return UNKNOWN_ROWS;
  return isBatchFirst ? [along(0), along(0), along(0)] : [along(2), along(1), along(1)];
}
