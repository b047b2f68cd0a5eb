import {
  broadcast,
  einsum,
  matrixProduct,
  reduced,
  windowed,
} from '../../../batch-axes/counts/arithmetic.ts';
import { alike, resized } from '../../../batch-axes/counts/axes.ts';
import { anyValue, forAll, type TensorFacts, unite } from '../../../batch-axes/counts/facts.ts';
import { transposed } from '../../../batch-axes/counts/moves.ts';
import { filled, range } from '../../../batch-axes/counts/shapes.ts';
import type { Rules, TfNode } from '../tf-node.ts';

/** The result has the shape of the first operand. */
const ALIKE = `Abs Acos Acosh Asin Asinh Atan Atanh BiasAdd Ceil ClipByValue ComplexAbs Cos Cosh Cumprod Cumsum Elu Erf
  Exp Expm1 FFT FakeQuantWithMinMaxVars Floor FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 IFFT Imag IsFinite IsInf
  IsNan LRN LeakyRelu Log Log1p LogSoftmax LogicalNot MatrixBandPart Neg OnesLike Real Reciprocal Relu Relu6 Reverse ReverseV2
  Round Rsqrt Selu Sigmoid Sign Sin Sinh Softmax Softplus Sqrt Square StaticRegexReplace StringToHashBucketFast Tan
  Tanh TensorScatterUpdate ZerosLike`;

/** The result has the shape of the second operand. */
const LIKE_SECOND = 'LookupTableFind LookupTableFindV2 LowerBound Select UpperBound';

const BROADCAST = `Add AddN AddV2 Atan2 BitwiseAnd BroadcastArgs Complex Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual
  Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul NotEqual Pow Prelu RealDiv SelectV2 SquaredDifference Sub`;

const REDUCE = 'All Any EuclideanNorm Max Mean Min Prod Sum';

/** Operands are batch, spatial axes and channels, unless `data_format` says otherwise. */
const WINDOWED = `AvgPool AvgPool3D Conv1D Conv2D Conv3D DepthwiseConv2d DepthwiseConv2dNative Dilation2D
  FusedDepthwiseConv2dNative MaxPool MaxPool3D MaxPoolWithArgmax _FusedConv2D`;

export const ARITHMETIC: Rules = {
  ...forAll(ALIKE, (node) => alike(node.operand(0), node.operands)),
  ...forAll(LIKE_SECOND, (node) => alike(node.operand(1), node.operands)),
  ...forAll(BROADCAST, ({ given }) => broadcast(given)),
  ...forAll(REDUCE, (node) => reduced(node.operand(0), node.numbers(1), node.flag('keep_dims'))),
  ...forAll('ArgMax ArgMin', (node) => reduced(node.operand(0), node.numbers(1), false)),
  ...forAll(WINDOWED, (node) => windowed(node.operand(0), channelAxis(node), node.operands)),
  Conv2DBackpropInput(node) {
    const spread = windowed(node.operand(2), channelAxis(node), node.operands);
    return { ...spread, counted: unite([spread.counted, filled(node.operand(0)).counted]) };
  },
  DepthToSpace: (node) => resized(node.operand(0), channelAxis(node), false),
  ...forAll('MatMul _FusedMatMul', (node) =>
    product(node, node.flag('transpose_a'), node.flag('transpose_b')),
  ),
  ...forAll('BatchMatMul BatchMatMulV2', (node) => product(node, node.flag('adj_x'), node.flag('adj_y'))),
  Einsum: (node) => einsum(node.given, node.text('equation')),
  ...forAll('RFFT IRFFT', (node) => resized(node.operand(0), -1, anyValue([node.operand(1)]))),
  Bincount: (node) => ({ ...range([node.operand(1)]), isValue: true }),
  DenseBincount: (node) => resized(node.operand(0), -1, anyValue([node.operand(1)])),
};

function channelAxis(node: TfNode): number {
  return node.text('data_format').startsWith('NC') ? 1 : -1;
}

function product(node: TfNode, isFirstTurned: boolean, isSecondTurned: boolean): TensorFacts {
  const [a, b] = [node.operand(0), node.operand(1)];
  const whole = matrixProduct(isFirstTurned ? turned(a) : a, isSecondTurned ? turned(b) : b);
  return { ...whole, isValue: anyValue(node.operands) };
}

/** Swaps the last two axes. */
function turned(x: TensorFacts): TensorFacts {
  const { rank } = x;
  if (rank === undefined) return transposed(x);
  const order = Array.from({ length: rank }, (_, axis) => axis);
  return transposed(x, [...order.slice(0, -2), rank - 1, rank - 2]);
}
