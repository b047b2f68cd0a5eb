import { resolve } from '../../../batch-axes/counts/axes.ts';
import { forAll, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import { transposed } from '../../../batch-axes/counts/moves.ts';
import {
  broadcastRows,
  combined,
  einsumRows,
  movedRows,
  productRows,
} from '../../../batch-axes/counts/row-rules.ts';
import { along, axisOf, mixed, type Rows, UNKNOWN_ROWS } from '../../../batch-axes/counts/rows.ts';
import type { OnnxNode, RowRule } from '../onnx-node.ts';

const ELEMENTWISE = `Abs Acos Acosh Add And Asin Asinh Atan Atanh Bernoulli BiasGelu BitShift BitwiseAnd BitwiseNot BitwiseOr
  BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh DequantizeLinear Div Dropout Elu Equal Erf Exp FastGelu Floor Gelu
  Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod
  Mul Neg Not Or PRelu Pow QuantizeLinear QuickGelu Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus
  Softsign Sqrt StringConcat Sub Sum Swish Tan Tanh ThresholdedRelu Trilu Where Xor`;

/** Operands are batch, channels and spatial axes. */
const WINDOWED = 'AveragePool Conv ConvInteger ConvTranspose DeformConv FusedConv LpPool MaxPool';

/** Operators that compute numbers from numbers of their operands. */
export const PRODUCTS: Readonly<Record<string, RowRule>> = {
  ...forAll<RowRule>(ELEMENTWISE, ({ given }, _, why) => broadcastRows(given, why)),
  ...forAll<RowRule>('MatMul MatMulInteger', (node, _, why) => {
    const rest = combined(node.operands.slice(2));
    return rest.kind === 'none'
      ? productRows(node.operand(0), node.operand(1), why)
      : combined(node.operands);
  }),
  FusedMatMul(node, _, why) {
    const isPlain = node.int('transA', 0) === 0 && node.int('transB', 0) === 0;
    return isPlain ? productRows(node.operand(0), node.operand(1), why) : combined(node.operands);
  },
  QLinearMatMul: (node, _, why) => productRows(node.operand(0), node.operand(3), why),
  MatMulNBits: (node, _, why) =>
    axisOf(node.operand(0)) === (node.operand(0).rank ?? 0) - 1
      ? mixed(why)
      : movedRows(node.operand(0), stays),
  Gemm(node, _, why) {
    const [a, b] = [0, 1].map((place) => {
      const x = node.operand(place);
      return node.int(place === 0 ? 'transA' : 'transB', 0) === 1 ? turned(x) : x;
    });
    const product: TensorFacts = { ...a!, rank: 2, rows: productRows(a!, b!, why) };
    return node.has(2) ? broadcastRows([product, node.operand(2)], why) : product.rows!;
  },
  Einsum: (node, _, why) => einsumRows(node.given, node.text('equation'), why),
  ...forAll<RowRule>(WINDOWED, (node, _, why) => windowed(node, node.operands.slice(1), why)),
  QLinearConv: (node, _, why) => windowed(node, node.operands.slice(1), why),
  // The runtime's own: [batch, length, …] in and out.
  ...forAll<RowRule>(
    'Attention MultiHeadAttention QAttention GroupQueryAttention EmbedLayerNormalization',
    (node, facts) => {
      const isBatchFirst = node.given.every((each) => (axisOf(each) ?? 0) === 0);
      const rest = combined(node.given.filter((each) => axisOf(each) === undefined));
      const first =
        rest.kind === 'mixed' ? rest : isBatchFirst && rest.kind === 'none' ? along(0) : UNKNOWN_ROWS;
      return facts.map((_each, index): Rows => (index === 0 || rest.kind === 'mixed' ? first : UNKNOWN_ROWS));
    },
  ),
};

function stays(axis: number): number {
  return axis;
}

function turned(x: TensorFacts): TensorFacts {
  return { ...transposed(x, [1, 0]), rows: movedRows(x, (axis) => 1 - axis) };
}

/** A convolution or pooling: windows along spatial axes, all channels at once unless they are in groups. */
function windowed(node: OnnxNode, others: OnnxNode['operands'], why: string): Rows {
  const x = node.operand(0);
  const rest = combined(others);
  const axis = axisOf(x);
  if (rest.kind === 'mixed') return rest;
  if (axis === undefined || rest.kind !== 'none') return combined(node.operands);
  if (axis === 0) return along(0);
  if (axis === 1) return others.length > 0 && node.int('group', 1) === 1 ? mixed(why) : UNKNOWN_ROWS;
  const window = node.ints('kernel_shape')?.[axis - 2];
  if (window === undefined) return UNKNOWN_ROWS;
  return window > 1 ? mixed(why) : along(resolve(axis, x.rank));
}
