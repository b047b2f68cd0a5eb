import { resolve } from '../../../batch-axes/counts/axes.ts';
import { forAll, type TensorFacts } from '../../../batch-axes/counts/facts.ts';
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
import type { OnnxNode, RowRule } from '../onnx-node.ts';

/** Exporters write the end of an axis as the largest number. */
const TO_THE_END = 2 ** 31 - 1;

/** Operators that put elements elsewhere, or choose among them. */
export const PLACING: Readonly<Record<string, RowRule>> = {
  Transpose(node) {
    const { rank } = node.operand(0);
    const backwards = rank === undefined ? undefined : [...Array(rank).keys()].reverse();
    return transposedRows(node.operand(0), node.ints('perm') ?? backwards);
  },
  Squeeze: (node) =>
    squeezedRows(node.operand(0), node.isGiven('axes', 1) ? node.numbers('axes', 1) : undefined),
  Unsqueeze: (node, [facts]) => unsqueezedRows(node.operand(0), node.numbers('axes', 1), facts?.rank),
  Reshape: (node) => {
    const shape = node.vector('shape', 1);
    return shape === undefined
      ? combined(node.operands)
      : reshapedRows(node.operand(0), shape, node.int('allowzero', 0) === 0);
  },
  Flatten(node) {
    const x = node.operand(0);
    const at = resolve(node.int('axis', 1), x.rank);
    return movedRows(x, (axis) => (at === undefined ? undefined : axis < at ? 0 : 1));
  },
  Expand: (node, [facts]) => expandedRows(node.operand(0), node.operand(1), facts?.rank),
  ...forAll<RowRule>('Tile Pad Resize Upsample', (node) => {
    const rest = combined(node.operands.slice(1));
    return rest.kind === 'none' ? movedRows(node.operand(0), (axis) => axis) : combined(node.operands);
  }),
  ...forAll<RowRule>('DepthToSpace SpaceToDepth', (node) =>
    movedRows(node.operand(0), (axis) => (axis === 0 ? 0 : undefined)),
  ),
  Concat: (node, [facts]) => joinedRows(node.given, resolve(node.int('axis', 1), facts?.rank)),
  Split(node, facts) {
    const rest = combined([node.operands[1]]);
    if (rest.kind === 'mixed') return rest;
    const x = node.operand(0);
    const at = resolve(node.int('axis', 0), x.rank);
    const rows = movedRows(x, (axis) => (at === undefined || axis === at ? undefined : axis));
    return facts.map(() => rows);
  },
  Slice: sliced,
  Gather: (node, _, why) => gatheredRows(node.operand(0), node.operand(1), node.int('axis', 0), why),
  GatherElements(node, _, why) {
    const [x, indices] = [node.operand(0), node.operand(1)];
    const axes = [x, indices].map(axisOf);
    const rest = combined([x, indices].filter((each) => axisOf(each) === undefined));
    const [axis, ...others] = new Set(axes.filter((each) => each !== undefined));
    if (rest.kind === 'mixed' || axis === undefined) return rest;
    if (rest.kind !== 'none' || others.length > 0) return UNKNOWN_ROWS;
    if (resolve(node.int('axis', 0), x.rank) !== axis) return along(axis);
    return axes[0] === undefined ? along(axis) : mixed(why);
  },
  Compress(node, facts, why) {
    const [x, condition] = [node.operand(0), node.operand(1)];
    if (rowsOf(condition).kind === 'mixed') return rowsOf(condition);
    const axis = axisOf(x);
    const at = node.attribute('axis') === undefined ? undefined : resolve(node.int('axis', 0), x.rank);
    if (axis === undefined || at === undefined) return combined(node.operands);
    if (axis === at) return along(axis);
    return axisOf(condition) === undefined ? movedRows(x, (each) => each) : facts.map(() => mixed(why));
  },
  OneHot(node, [facts]) {
    const at = resolve(node.int('axis', -1), facts?.rank);
    const rest = combined(node.operands.slice(1));
    if (rest.kind !== 'none') return combined(node.operands);
    return oneHotRows(node.operand(0), at);
  },
};

function sliced(node: OnnxNode, _: readonly TensorFacts[], why: string): Rows {
  const x = node.operand(0);
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map((name, index) =>
    node.vector(name, index + 1),
  );
  const rest = combined([starts, ends]);
  const axis = axisOf(x);
  if (rest.kind === 'mixed') return rest;
  if (axis === undefined || rest.kind !== 'none') return combined(node.operands);
  const cut = axes === undefined ? starts?.elements?.map((_start, index) => index) : axes.elements;
  if (cut === undefined) return UNKNOWN_ROWS;
  const index = cut.findIndex((each) => typeof each === 'number' && resolve(each, x.rank) === axis);
  if (index < 0) return cut.every((each) => typeof each === 'number') ? along(axis) : UNKNOWN_ROWS;
  const [start, end] = [starts?.elements?.[index], ends?.elements?.[index]];
  const step = steps === undefined ? 1 : steps.elements?.[index];
  if (start === 0 && typeof end === 'number' && end >= TO_THE_END && step === 1) return along(axis);
  const isFixed = [start, end, step].every((each) => typeof each === 'number');
  return isFixed ? mixed(why) : UNKNOWN_ROWS;
}
