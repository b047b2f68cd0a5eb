import type { Operator } from '../../../models/engines/tracing.ts';
import { elementCount } from '../../../models/manifest/tensor.ts';

/** How much an operator computes and moves. */
export interface Work {
  /** Additions and multiplications. */
  readonly flops: number;
  /** Inputs, weights and outputs, each once. */
  readonly bytes: number;
  /**
   * By which operators of a kind resemble each other: of a matrix product rows, columns and depth, else
   * elements out, in, and of the last axis.
   */
  readonly dimensions: readonly [number, number, number];
}

const BYTES_OF: Readonly<Record<string, number>> = {
  float16: 2,
  bfloat16: 2,
  int16: 2,
  uint16: 2,
  double: 8,
  int64: 8,
  uint64: 8,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/**
 * Operators that multiply matrices: their time goes by what they compute, that of others by what they move.
 */
const MATRIX = /(^|\.)(Conv|FusedConv|ConvTranspose|Gemm|FusedGemm|MatMul|FusedMatMul|LSTM|GRU|RNN)(\/|$)/;

export function isMatrixKind(kind: string): boolean {
  return MATRIX.test(kind);
}

export function workOf(operator: Operator): Work {
  const { dtype, inputs, outputs, weights } = operator;
  const out = total(outputs);
  // A packed weight is no input of the trace, another one is: what is larger has them all. A table is not
  // read as a whole.
  const read = /Gather/.test(operator.kind)
    ? out
    : Math.max(total(inputs), elements(inputs[0]) + total(weights));
  const bytes = (read + out) * (BYTES_OF[dtype] ?? 4);
  const product = productOf(operator);
  if (product !== undefined) {
    const [rows, columns, depth] = product;
    return { flops: 2 * rows * columns * depth, bytes, dimensions: product };
  }
  const last = Math.max(1, outputs[0]?.at(-1) ?? 1);
  return {
    flops: operator.window * Math.max(out, read),
    bytes,
    dimensions: [Math.max(1, out), Math.max(1, read), last],
  };
}

/**
 * Rows, columns and depth of the matrix product that an operator is; of a recurrent one that of all its
 * steps.
 */
function productOf({ kind, inputs, outputs, weights }: Operator): [number, number, number] | undefined {
  if (!isMatrixKind(kind)) return undefined;
  const out = Math.max(1, elements(outputs[0]));
  if (/(LSTM|GRU|RNN)$/.test(kind)) {
    const [directions = 1, gates = 1, width = 1] = weights[0] ?? [];
    const units = weights[1]?.[2] ?? width;
    const [length = 1, batch = 1] = inputs[0] ?? [];
    return [length * batch, directions * gates, width + units];
  }
  const weight = weights.find(({ length }) => length >= 2) ?? (kind.includes('Conv') ? inputs[1] : undefined);
  if (kind.includes('Conv')) {
    const [filters = 1, ...kernel] = weight ?? [];
    return [out / filters, filters, Math.max(1, elements(kernel))];
  }
  const depth = Math.max(1, inputs[0]?.at(-1) ?? 1);
  const columns = Math.max(1, outputs[0]?.at(-1) ?? 1);
  return [out / columns, columns, depth];
}

function total(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, each) => sum + elements(each), 0);
}

function elements(each: readonly number[] | undefined): number {
  return each === undefined ? 0 : elementCount(each);
}
