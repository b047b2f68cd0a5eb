import { alike, count, mapAxes, resized, unknown } from '../../../batch-axes/counts/axes.ts';
import {
  anyValue,
  forAll,
  isValueAt,
  type Origin,
  plain,
  type TensorFacts,
  vector,
} from '../../../batch-axes/counts/facts.ts';
import {
  expanded,
  filled,
  onAxes,
  oneHot,
  range,
  reshaped,
  shapeOf,
  sizeOf,
  stretched,
} from '../../../batch-axes/counts/shapes.ts';
import { constant } from '../constants.ts';
import type { OnnxNode, Rules } from '../onnx-node.ts';

/** Operators that return shapes or take them. */
export const SHAPES: Rules = {
  Constant: constantOf,
  Shape: (node) => {
    const end = node.attribute('end');
    return shapeOf(node.operand(0), node.int('start', 0), end === undefined ? undefined : Number(end.i));
  },
  Size: (node) => sizeOf(node.operand(0)),
  SequenceLength: (node) => sizeOf(node.operand(0)),
  ...forAll('Identity Cast', (node) => node.operand(0)),
  Reshape: (node) =>
    reshaped(node.operand(0), node.vector('shape', 1) ?? plain(1, false), node.int('allowzero', 0) === 0),
  Flatten: (node) => {
    const axis = node.int('axis', 1);
    const { rank } = node.operand(0);
    const at = axis < 0 && rank !== undefined ? axis + rank : axis;
    if (at < 0) return { ...unknown([node.operand(0)]), rank: 2 };
    const merged = mapAxes(node.operand(0).counted, (each) => (each < at ? 0 : 1));
    return { rank: 2, counted: merged, isValue: anyValue([node.operand(0)]) };
  },
  Expand: (node) => expanded(node.operand(0), node.operand(1)),
  ConstantOfShape: (node) => filled(node.operand(0)),
  Range: ({ given }) => range(given),
  Tile: (node) => stretched(node.operand(0), node.operand(1)),
  Pad: padded,
  Resize: enlarged,
  Upsample: enlarged,
  ...forAll('RandomNormal RandomUniform', (node) => plain(node.ints('shape')?.length, true)),
  ...forAll('RandomNormalLike RandomUniformLike', (node) => ({ ...alike(node.operand(0)), isValue: true })),
  ...forAll('BlackmanWindow HammingWindow HannWindow', ({ given }) => range(given)),
  Multinomial: (node) => resized({ ...node.operand(0), isValue: true }, 1, false),
  OneHot: (node) => oneHot(node.operand(0), node.operand(1), node.int('axis', -1), node.operands),
  DepthToSpace: (node) => resized(node.operand(0), 1, false),
  SpaceToDepth: (node) => resized(node.operand(0), 1, false),
  CenterCropPad(node) {
    const axes = node.ints('axes');
    const [x, shape] = [node.operand(0), node.operand(1)];
    return axes === undefined ? { ...filled(shape), isValue: anyValue([x]) } : onAxes(x, axes, shape);
  },
  MelWeightMatrix: ({ given }) => count(2, [0, 1], given),
  ...forAll('RoiAlign MaxRoiPool', (node) => {
    const rois = node.operand(1);
    const counted = mapAxes(rois.counted, (axis) => (axis === 0 ? 0 : undefined));
    return { rank: 4, counted, isValue: anyValue(node.operands) };
  }),
};

function constantOf(node: OnnxNode): TensorFacts {
  const tensor = node.attribute('value')?.t;
  if (tensor !== undefined) return constant(tensor);
  const number = node.attribute('value_int');
  if (number !== undefined) return vector(0, [Number(number.i)]);
  const numbers = node.ints('value_ints');
  if (numbers !== undefined) return vector(1, numbers);
  const rankOf = { value_float: 0, value_string: 0, value_floats: 1, value_strings: 1 };
  const [, rank] = Object.entries(rankOf).find(([name]) => node.attribute(name) !== undefined) ?? [];
  return plain(rank, false);
}

/** Pads are those before each axis, then those behind each. */
function padded(node: OnnxNode): TensorFacts {
  const x = node.operand(0);
  const pads = node.vector('pads', 1) ?? plain(1, false);
  const isValue = anyValue(node.operands);
  if (pads.elements === undefined) return { ...stretched(x, pads), isValue };
  const width = pads.elements.length / 2;
  const perAxis = Array.from({ length: width }, (_, axis): Origin => {
    return isValueAt(pads, axis) || isValueAt(pads, axis + width) ? 'value' : 'shape';
  });
  const axes = node.has(3) ? node.numbers('axes', 3) : undefined;
  if (node.has(3) && axes === undefined) return { ...unknown([x, pads]), isValue };
  return { ...onAxes(x, axes ?? perAxis.map((_, axis) => axis), vector(1, perAxis)), isValue };
}

/** By scales or to sizes, of all axes or of some. */
function enlarged(node: OnnxNode): TensorFacts {
  const x = node.operand(0);
  const isValue = anyValue(node.operands);
  const targets = node.operands.slice(1).filter((each) => each !== undefined);
  const axes = node.ints('axes');
  return targets.reduce<TensorFacts>(
    (result, target) => {
      if (!target.isValue) return result;
      return axes === undefined
        ? { ...stretched(result, target), isValue }
        : { ...onAxes(result, axes, target), isValue };
    },
    { ...x, isValue },
  );
}
