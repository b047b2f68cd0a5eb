import {
  broadcast,
  einsum,
  matrixProduct,
  reduced,
  windowed,
} from '../../../batch-axes/counts/arithmetic.ts';
import { alike, mapAxes, resized, without } from '../../../batch-axes/counts/axes.ts';
import { anyValue, forAll, plain, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import { transposed } from '../../../batch-axes/counts/moves.ts';
import type { OnnxNode, Rules } from '../onnx-node.ts';

/** The result has the shape of the first operand. */
const ALIKE = `Abs Acos Acosh Asin Asinh Atan Atanh Bernoulli BitwiseNot CastLike Ceil Celu Clip
  Cos Cosh CumSum DequantizeLinear Dropout Elu Erf Exp EyeLike FastGelu Floor Gelu
  GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Hardmax InstanceNormalization
  IsInf IsNaN LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not
  QuantizeLinear QuickGelu RMSNormalization Reciprocal Relu ReverseSequence RotaryEmbedding Round Scatter ScatterElements
  ScatterND Selu Shrink Sigmoid Sign SimplifiedLayerNormalization Sin Sinh SkipLayerNormalization
  SkipSimplifiedLayerNormalization Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu`;

const BROADCAST = `Add And BiasGelu BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less
  LessOrEqual Max Mean Min Mod Mul Or PRelu Pow StringConcat Sub Sum Where Xor`;

const REDUCE = `ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
  ReduceSumSquare`;

/** Operands are batch, channels and spatial axes. */
const WINDOWED = `AveragePool Conv ConvInteger ConvTranspose DeformConv FusedConv LpPool MaxPool MaxUnpool QLinearConv`;

export const ARITHMETIC: Rules = {
  ...forAll(ALIKE, (node) => alike(node.operand(0), node.operands)),
  ...forAll(BROADCAST, ({ given }) => broadcast(given)),
  ...forAll(REDUCE, (node) => {
    const keepsAxes = node.int('keepdims', 1) === 1;
    if (node.isGiven('axes', 1)) return reduced(node.operand(0), node.numbers('axes', 1), keepsAxes);
    if (node.int('noop_with_empty_axes', 0) === 1) return node.operand(0);
    return reduced(node.operand(0), 'all', keepsAxes);
  }),
  ...forAll('ArgMax ArgMin', (node) =>
    reduced(node.operand(0), [node.int('axis', 0)], node.int('keepdims', 1) === 1),
  ),
  ...forAll(WINDOWED, (node) => windowed(node.operand(0), 1, node.operands)),
  ...forAll('MatMul MatMulInteger FusedMatMul', (node) => matrixProduct(node.operand(0), node.operand(1))),
  ...forAll('GRU LSTM RNN', recurrent),
  // Further outputs are one number for each channel, or one for all.
  BatchNormalization: (node) => withRest(node, 1),
  DynamicQuantizeLinear: (node) => withRest(node, 0),
  Einsum: (node) => einsum(node.given, node.text('equation')),
  Gemm(node) {
    const [a, b] = [0, 1].map((place) => {
      const x = node.operand(place);
      return node.int(place === 0 ? 'transA' : 'transB', 0) === 1 ? transposed(x, [1, 0]) : x;
    });
    return { ...matrixProduct(a!, b!), isValue: anyValue(node.operands) };
  },
};

function withRest(node: OnnxNode, rank: number): TensorFacts[] {
  const isValue = anyValue(node.operands);
  const rest = node.proto.output.slice(1).map(() => plain(rank, isValue));
  return [alike(node.operand(0), node.operands), ...rest];
}

/** From [steps, batch, features], or batch first, to all steps, the last one and the last cell state. */
function recurrent(node: OnnxNode) {
  const isBatchFirst = node.int('layout', 0) === 1;
  const x = resized(node.operand(0), 2, false);
  const isValue = anyValue(node.operands);
  const last = without(x, new Set([isBatchFirst ? 1 : 0]));
  const directionAxis = isBatchFirst ? 2 : 1;
  const all = {
    rank: 4,
    counted: mapAxes(x.counted, (axis) => (axis < directionAxis ? axis : axis + 1)),
    isValue,
  };
  const ends = {
    ...plain(3, isValue),
    counted: isBatchFirst ? last.counted : mapAxes(last.counted, (axis) => axis + 1),
  };
  return [all, ends, ends];
}
