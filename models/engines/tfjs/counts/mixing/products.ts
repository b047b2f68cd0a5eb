import { forAll, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import {
  broadcastRows,
  combined,
  einsumRows,
  movedRows,
  productRows,
} from '../../../batch-axes/counts/row-rules.ts';
import { along, axisOf, mixed, type Rows, rowsOf, UNKNOWN_ROWS } from '../../../batch-axes/counts/rows.ts';
import type { RowRule, TfNode } from '../tf-node.ts';

const ELEMENTWISE = `Abs Acos Acosh Add AddN AddV2 Asin Asinh Atan Atan2 Atanh BiasAdd BitwiseAnd Cast Ceil ClipByValue Complex
  ComplexAbs Cos Cosh Div DivNoNan Elu EnsureShape Equal Erf Exp Expm1 FakeQuantWithMinMaxVars Floor FloorDiv FloorMod
  Greater GreaterEqual Identity Imag IsFinite IsInf IsNan LeakyRelu Less LessEqual Log Log1p LogicalAnd LogicalNot
  LogicalOr Maximum Minimum Mod Mul Neg NotEqual Pow Prelu Print Real RealDiv Reciprocal Relu Relu6 Round Rsqrt SelectV2
  Selu Sigmoid Sign Sin Sinh Snapshot Softplus Sqrt Square SquaredDifference StaticRegexReplace StopGradient
  StringToHashBucketFast Sub Tan Tanh`;

/** All channels at once. */
const CONVOLUTION = 'Conv1D Conv2D Conv3D _FusedConv2D';
/** Each channel for itself. */
const BY_CHANNEL = `AvgPool AvgPool3D DepthwiseConv2d DepthwiseConv2dNative Dilation2D FusedDepthwiseConv2dNative MaxPool
  MaxPool3D MaxPoolWithArgmax`;

/** Operators that compute numbers from numbers of their operands. */
export const PRODUCTS: Readonly<Record<string, RowRule>> = {
  ...forAll<RowRule>(ELEMENTWISE, ({ given }, _, why) => broadcastRows(given, why)),
  ...forAll<RowRule>('MatMul _FusedMatMul', (node, _, why) =>
    product(node, [node.flag('transpose_a'), node.flag('transpose_b')], why),
  ),
  ...forAll<RowRule>('BatchMatMul BatchMatMulV2', (node, _, why) =>
    product(node, [node.flag('adj_x'), node.flag('adj_y')], why),
  ),
  // A condition of one axis is about whole rows.
  Select(node, _, why) {
    const [condition, x] = [node.operand(0), node.operand(1)];
    if (condition.rank === 0 || (condition.rank !== undefined && condition.rank === x.rank))
      return broadcastRows(node.given, why);
    const rows = combined(node.operands);
    const isFirst = node.given.every((each) => rowsOf(each).kind === 'none' || axisOf(each) === 0);
    return condition.rank === 1 && isFirst && rows.kind !== 'none' ? along(0) : rows;
  },
  ...forAll<RowRule>('LookupTableFind LookupTableFindV2', (node) => {
    const rest = combined([node.operand(0), node.operand(2)]);
    return rest.kind === 'none' ? rowsOf(node.operand(1)) : combined(node.operands);
  }),
  Einsum: (node, _, why) => einsumRows(node.given, node.text('equation'), why),
  ...forAll<RowRule>(CONVOLUTION, (node, _, why) => windowed(node, 0, mixed(why))),
  ...forAll<RowRule>(BY_CHANNEL, (node) => windowed(node, 0, UNKNOWN_ROWS)),
  Conv2DBackpropInput: (node, _, why) => windowed(node, 2, mixed(why)),
};

/** What is fused into a product is added to each of its rows. */
function product(node: TfNode, isTurned: readonly boolean[], why: string): Rows {
  const [a, b] = isTurned.map((turns, place) => (turns ? turned(node.operand(place)) : node.operand(place)));
  const rest = combined(node.operands.slice(2));
  return rest.kind === 'none' ? productRows(a!, b!, why) : combined(node.operands);
}

/** Swaps the last two axes. */
function turned(x: TensorFacts): TensorFacts {
  const { rank } = x;
  if (rank === undefined) return { ...x, rows: combined([x]) };
  return { ...x, rows: movedRows(x, (axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis)) };
}

/** @param at the operand that windows are moved over @param overChannels what holds for rows along them */
function windowed(node: TfNode, at: number, overChannels: Rows): Rows {
  const x = node.operand(at);
  const axis = axisOf(x);
  const rest = combined(node.operands.filter((each) => each !== x));
  if (rest.kind === 'mixed') return rest;
  if (axis === undefined || rest.kind !== 'none') return combined(node.operands);
  if (axis === 0) return along(0);
  const isChannel = node.text('data_format').startsWith('NC') ? axis === 1 : axis + 1 === x.rank;
  return isChannel ? overChannels : UNKNOWN_ROWS;
}
