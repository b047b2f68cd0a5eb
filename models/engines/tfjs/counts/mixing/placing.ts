import { resolve } from '../../../batch-axes/counts/axes.ts';
import { forAll, type Origin, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
import {
  expandedRows,
  joinedRows,
  oneHotRows,
  squeezedRows,
  transposedRows,
  unsqueezedRows,
} from '../../../batch-axes/counts/row-moves.ts';
import { combined, gatheredRows, movedRows, reshapedRows } from '../../../batch-axes/counts/row-rules.ts';
import { along, axisOf, mixed, type Rows, rowsOf, UNKNOWN_ROWS } from '../../../batch-axes/counts/rows.ts';
import type { RowRule, TfNode } from '../tf-node.ts';

/** Operators that put elements elsewhere, or choose among them. */
export const PLACING: Readonly<Record<string, RowRule>> = {
  IdentityN: ({ operands }) => operands.map(rowsOf),
  Transpose: (node) => transposedRows(node.operand(0), node.numbers(1)),
  ExpandDims: (node, [facts]) => unsqueezedRows(node.operand(0), node.numbers(1), facts?.rank),
  Squeeze(node) {
    const axes = node.ints('squeeze_dims') ?? node.ints('axis') ?? [];
    return squeezedRows(node.operand(0), axes.length === 0 ? undefined : axes);
  },
  Reshape: (node) => reshapedRows(node.operand(0), node.operand(1), false),
  BroadcastTo: (node, [facts]) => expandedRows(node.operand(0), node.operand(1), facts?.rank),
  ...forAll<RowRule>('MirrorPad Pad PadV2 Tile', (node) => {
    const rest = combined(node.operands.slice(1));
    return rest.kind === 'none' ? movedRows(node.operand(0), (axis) => axis) : combined(node.operands);
  }),
  ...forAll<RowRule>('DepthToSpace ResizeBilinear ResizeNearestNeighbor', (node) => {
    const rest = combined(node.operands.slice(1));
    if (rest.kind !== 'none') return combined(node.operands);
    return movedRows(node.operand(0), (axis) => (axis === 0 ? 0 : undefined));
  }),
  ConcatV2: (node, [facts]) => joinedRows(node.given.slice(0, -1), resolveIn(node.numbers(-1), facts)),
  Concat: (node, [facts]) => joinedRows(node.given.slice(1), resolveIn(node.numbers(0), facts)),
  Pack(node, [facts]) {
    const at = resolve(node.int('axis', 0), facts?.rank);
    const opened = node.given.map((each) => {
      const rows = movedRows(each, (axis) => (at === undefined ? undefined : axis < at ? axis : axis + 1));
      return { ...each, rows };
    });
    return joinedRows(opened, at);
  },
  Unpack: (node) => withoutAxis(node.operand(0), resolve(node.int('axis', 0), node.operand(0).rank)),
  Split: (node) => parts(node.operand(1), resolveIn(node.numbers(0), node.operand(1))),
  SplitV: (node) => parts(node.operand(0), resolveIn(node.numbers(2), node.operand(0))),
  GatherV2(node, _, why) {
    const [x, indices, axis] = [node.operand(0), node.operand(1), node.numbers(2)?.[0]];
    const shared = node.int('batch_dims', 0);
    if (shared === 0 && axis !== undefined) return gatheredRows(x, indices, axis, why);
    const rows = combined([x, indices]);
    const isShared = [x, indices].every((each) => rowsOf(each).kind === 'none' || axisOf(each) === 0);
    return rows.kind !== 'none' && shared > 0 && isShared ? along(0) : rows;
  },
  Gather: (node, _, why) => gatheredRows(node.operand(0), node.operand(1), 0, why),
  OneHot(node, [facts]) {
    const at = resolve(node.int('axis', -1), facts?.rank);
    return combined(node.operands.slice(1)).kind === 'none'
      ? oneHotRows(node.operand(0), at)
      : combined(node.operands);
  },
  Slice(node, _, why) {
    const [x, starts, sizes] = [node.operand(0), node.operand(1), node.operand(2)];
    const axis = axisOf(x);
    if (axis === undefined || combined([starts, sizes]).kind !== 'none') return combined(node.operands);
    return cut(axis, starts.elements?.[axis], sizes.elements?.[axis], -1, why);
  },
  StridedSlice: stridedRows,
};

function resolveIn(axis: readonly number[] | undefined, x: TensorFacts | undefined): number | undefined {
  return axis?.[0] === undefined ? undefined : resolve(axis[0], x?.rank);
}

function withoutAxis(x: TensorFacts, at: number | undefined): Rows {
  return movedRows(x, (axis) => {
    if (at === undefined || axis === at) return undefined;
    return axis < at ? axis : axis - 1;
  });
}

function parts(x: TensorFacts, at: number | undefined): Rows {
  return movedRows(x, (axis) => (at === undefined || axis === at ? undefined : axis));
}

/** Rows of which some are left out: fixed ones are answers to no request in particular. */
function cut(
  axis: number,
  start: Origin | undefined,
  end: Origin | undefined,
  toTheEnd: Origin,
  why: string,
): Rows {
  if (start === 0 && (end === toTheEnd || end === 'rows')) return along(axis);
  return typeof start === 'number' && typeof end === 'number' ? mixed(why) : UNKNOWN_ROWS;
}

/** A slice such as `x[..., newaxis, 0, 1:n]`, encoded as bit masks with one bit for each part. */
function stridedRows(node: TfNode, _: unknown, why: string): Rows {
  const [x, begin, end, strides] = [0, 1, 2, 3].map((place) => node.operand(place));
  const wanted = axisOf(x);
  if (wanted === undefined || combined([begin, end, strides]).kind !== 'none') return combined(node.operands);
  const length = (begin!.elements ?? end!.elements ?? strides!.elements)?.length;
  if (length === undefined || x!.rank === undefined) return UNKNOWN_ROWS;
  const has = (mask: string, bit: number): boolean => ((node.int(`${mask}_mask`, 0) >> bit) & 1) === 1;
  const added = [...Array(length).keys()].filter((bit) => has('new_axis', bit)).length;
  let [place, axis] = [0, 0];
  for (let bit = 0; bit < length; bit += 1) {
    if (has('ellipsis', bit)) {
      const left = x!.rank - (length - 1 - added);
      if (wanted < axis + left) return along(place + wanted - axis);
      place += left;
      axis += left;
    } else if (has('new_axis', bit)) {
      place += 1;
    } else {
      const isWhole = has('begin', bit) && has('end', bit) && strides!.elements?.[bit] === 1;
      if (axis === wanted && isWhole && !has('shrink_axis', bit)) return along(place);
      if (axis === wanted) {
        const start = has('begin', bit) ? 0 : begin!.elements?.[bit];
        const to = has('shrink_axis', bit) ? start : has('end', bit) ? 'rows' : end!.elements?.[bit];
        return strides!.elements?.[bit] === 1 ? cut(place, start, to, 'rows', why) : UNKNOWN_ROWS;
      }
      axis += 1;
      if (!has('shrink_axis', bit)) place += 1;
    }
  }
  return along(place + wanted - axis);
}
