import { alike, resized, resolve, unknown, without } from '../../../batch-axes/counts/axes.ts';
import { anyValue, type Origin, plain, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import { concatenated, squeezed, stacked, transposed, unsqueezed } from '../../../batch-axes/counts/moves.ts';
import { gathered, gatheredTuples, sliced } from '../../../batch-axes/counts/picks.ts';
import type { Rules } from '../tf-node.ts';
import { stridedSlice } from './strided-slice.ts';

/** Operators that rearrange or select elements. */
export const MOVES: Rules = {
  Transpose: (node) => transposed(node.operand(0), node.numbers(1)),
  ExpandDims: (node) => unsqueezed(node.operand(0), node.numbers(1)),
  Squeeze(node) {
    const axes = node.ints('squeeze_dims') ?? node.ints('axis') ?? [];
    return squeezed(node.operand(0), axes.length === 0 ? undefined : axes);
  },
  ConcatV2: (node) => joined(node.given.slice(0, -1), node.numbers(-1)?.[0]),
  Concat: (node) => joined(node.given.slice(1), node.numbers(0)?.[0]),
  Pack: (node) => stacked(node.given, node.int('axis', 0)),
  Unpack(node) {
    const x = node.operand(0);
    const at = resolve(node.int('axis', 0), x.rank);
    return at === undefined ? unknown([x]) : without(x, new Set([at]));
  },
  GatherV2(node) {
    const [x, indices, axis] = [node.operand(0), node.operand(1), node.numbers(2)?.[0]];
    return axis === undefined ? unknown([x, indices]) : gathered(x, indices, axis, node.int('batch_dims', 0));
  },
  Gather: (node) => gathered(node.operand(0), node.operand(1), 0),
  // The length of the tuples is not known: it matters only if the operand has counted axes.
  GatherNd: (node) => gatheredTuples(node.operand(0), node.operand(1), undefined),
  Slice(node) {
    const [starts, sizes] = [node.operand(1), node.operand(2)];
    return sliced(node.operand(0), { starts, ends: endsOf(starts, sizes) });
  },
  StridedSlice: stridedSlice,
  Split: (node) => alike(node.operand(1)),
  SplitV(node) {
    const [x, sizes, axis] = [node.operand(0), node.operand(1), node.numbers(2)?.[0]];
    if (!anyValue([sizes])) return alike(x);
    return axis === undefined ? { ...alike(x), counted: 'some' } : resized(x, axis, true);
  },
  TopKV2(node) {
    const [x, k] = [node.operand(0), node.operand(1)];
    return { ...resized(x, -1, anyValue([k])), isValue: anyValue([x, k]) };
  },
};

function joined(operands: readonly TensorFacts[], axis: number | undefined): TensorFacts {
  return axis === undefined ? unknown(operands) : concatenated(operands, axis);
}

/** A size of -1 extends to the end. */
function endsOf(starts: TensorFacts, sizes: TensorFacts): TensorFacts {
  const { elements } = sizes;
  if (elements === undefined) return sizes;
  const ends = elements.map((size, index): Origin => {
    const start = starts.elements?.[index];
    if (typeof size !== 'number') return size;
    if (size < 0) return Number.MAX_SAFE_INTEGER;
    return typeof start === 'number' ? start + size : 'shape';
  });
  return { ...plain(1, sizes.isValue), elements: ends };
}
