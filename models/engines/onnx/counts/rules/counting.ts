import { alike, count, resized } from '../../../batch-axes/counts/axes.ts';
import {
  anyValue,
  hasCountedAxis,
  NO_AXES,
  type TensorFacts,
  vector,
} from '../../../batch-axes/counts/facts.ts';
import { reshaped } from '../../../batch-axes/counts/shapes.ts';
import type { Rules } from '../onnx-node.ts';

/** Operators whose result is as long as a count of values. */
export const COUNTING: Rules = {
  NonMaxSuppression: ({ operands }) => count(2, [0], operands),
  NonZero: ({ operands }) => count(2, [1], operands),
  Compress(node) {
    const [x, condition] = [node.operand(0), node.operand(1)];
    const kept =
      node.attribute('axis') === undefined
        ? count(1, [0], [condition])
        : resized(x, node.int('axis', 0), anyValue([condition]));
    return { ...kept, isValue: anyValue(node.operands) };
  },
  Unique(node) {
    const x = node.operand(0);
    const counts = count(1, [0], [x]);
    if (node.attribute('axis') === undefined)
      return [counts, counts, reshaped(x, vector(1, [-1]), true), counts];
    const axis = node.int('axis', 0);
    return [resized(x, axis, anyValue([x])), counts, alongAxis(x, axis), counts];
  },
  StringNormalizer: ({ operands }) => count(operands[0]?.rank, [0, 1], operands),
  StringSplit(node) {
    const x = node.operand(0);
    return [count(rankAbove(x), [x.rank ?? 0], node.operands), alike(x)];
  },
  ImageDecoder: ({ operands }) => count(3, [0, 1], operands),
  // The runtime's own.
  Tokenizer: ({ operands: [x] }) => count(rankAbove(x), [x?.rank ?? 0], [x]),
  DynamicTimeWarping: ({ operands }) => count(2, [1], operands),
};

function rankAbove(x: TensorFacts | undefined): number | undefined {
  return x?.rank === undefined ? undefined : x.rank + 1;
}

/** One number for each element along an axis. */
function alongAxis(x: TensorFacts, axis: number): TensorFacts {
  const at = axis < 0 && x.rank !== undefined ? axis + x.rank : axis;
  return { rank: 1, counted: hasCountedAxis(x, at) ? new Set([0]) : NO_AXES, isValue: anyValue([x]) };
}
