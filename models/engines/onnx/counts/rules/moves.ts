import { alike, resized } from '../../../batch-axes/counts/axes.ts';
import { anyValue, isValueAt, plain, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import { concatenated, squeezed, stacked, transposed, unsqueezed } from '../../../batch-axes/counts/moves.ts';
import { gathered, gatheredTuples, sliced } from '../../../batch-axes/counts/picks.ts';
import type { OnnxNode, Rules } from '../onnx-node.ts';

/** Operators that rearrange or select elements. */
export const MOVES: Rules = {
  Transpose: (node) => transposed(node.operand(0), node.ints('perm')),
  Squeeze: (node) => squeezed(node.operand(0), node.isGiven('axes', 1) ? node.numbers('axes', 1) : undefined),
  Unsqueeze: (node) => unsqueezed(node.operand(0), node.numbers('axes', 1)),
  Concat: (node) => concatenated(node.given, node.int('axis', 1)),
  ConcatFromSequence(node) {
    const sequence = node.operand(0);
    const axis = node.int('axis', 0);
    return node.int('new_axis', 0) === 1 ? stacked([sequence], axis) : concatenated([sequence], axis);
  },
  Gather: (node) => gathered(node.operand(0), node.operand(1), node.int('axis', 0)),
  GatherElements: (node) => alike(node.operand(1), node.operands),
  // The length of the tuples is not known: it matters only if the operand has counted axes.
  GatherND: (node) => gatheredTuples(node.operand(0), node.operand(1), undefined, node.int('batch_dims', 0)),
  Slice: sliceOf,
  Split(node) {
    const axis = node.int('axis', 0);
    const sizes = node.vector('split', 1);
    return node.proto.output.map((_, index) => {
      const x = node.operand(0);
      return sizes !== undefined && isValueAt(sizes, index) ? resized(x, axis, true) : alike(x);
    });
  },
  TopK(node) {
    const [x, k] = [node.operand(0), node.operand(1)];
    return { ...resized(x, node.int('axis', -1), k.isValue), isValue: anyValue([x, k]) };
  },
};

function sliceOf(node: OnnxNode): TensorFacts {
  const starts = node.vector('starts', 1) ?? plain(1, false);
  const ends = node.vector('ends', 2) ?? plain(1, false);
  return sliced(node.operand(0), {
    starts,
    ends,
    axes: node.vector('axes', 3),
    steps: node.vector('steps', 4),
  });
}
