import { alike, count, resized, unknown } from '../../../batch-axes/counts/axes.ts';
import { anyValue, forAll, NO_AXES, plain, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import type { Rules, TfNode } from '../tf-node.ts';

/** Operators whose result is as long as a count of values. */
export const COUNTING: Rules = {
  ...forAll('NonMaxSuppressionV2 NonMaxSuppressionV3', ({ operands }) => count(1, [0], operands)),
  NonMaxSuppressionV4(node) {
    const isPadded = node.flag('pad_to_max_output_size') && !anyValue([node.operands[2]]);
    const selected = isPadded ? plain(1, anyValue(node.operands)) : count(1, [0], node.operands);
    return [selected, plain(0, anyValue(node.operands))];
  },
  NonMaxSuppressionV5({ operands }) {
    const selected = count(1, [0], operands);
    return [selected, selected, plain(0, anyValue(operands))];
  },
  Where: ({ operands }) => count(2, [0], operands),
  Unique: ({ operands: [x] }) => [count(1, [0], [x]), x && alike(x)],
  UniqueV2(node) {
    const x = node.operand(0);
    const axis = node.numbers(1)?.[0];
    const each = axis === undefined ? unforeseen(node) : resized(x, axis, anyValue([x]));
    return [each, plain(1, anyValue([x]))];
  },
  ListDiff: ({ operands }) => count(1, [0], operands),
  DynamicPartition: (node) => resized(node.operand(0), 0, anyValue([node.operand(1)])),
  SparseFillEmptyRows({ operands }) {
    const listed = count(1, [0], operands);
    return [{ ...listed, rank: 2 }, listed, plain(1, anyValue(operands)), listed];
  },
  ...forAll('SparseSegmentMean SparseSegmentSum', (node) =>
    resized(node.operand(0), 0, anyValue([node.operand(2)])),
  ),
  ...forAll('RaggedGather RaggedRange RaggedTensorToTensor StringNGrams StringSplit', unforeseen),
};

/** Any axis may depend on values. */
function unforeseen({ operands }: TfNode): TensorFacts {
  return { ...unknown(operands), counted: anyValue(operands) ? 'some' : NO_AXES };
}
