import { mapAxes, resized } from '../../../batch-axes/counts/axes.ts';
import { anyValue, forAll, type TensorFacts, vector } from '../../../batch-axes/counts/facts.ts';
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
import type { Rules, TfNode } from '../tf-node.ts';

const SPATIAL = [1, 2];

/** Operators that return shapes or take them. */
export const SHAPES: Rules = {
  ...forAll('Cast EnsureShape Identity Print Snapshot StopGradient', (node) => node.operand(0)),
  IdentityN: ({ operands }) => operands,
  Shape: (node) => shapeOf(node.operand(0)),
  ShapeN: ({ given }) => given.map((each) => shapeOf(each)),
  Size: (node) => sizeOf(node.operand(0)),
  Rank: () => vector(0, ['shape']),
  Reshape: (node) => reshaped(node.operand(0), node.operand(1), false),
  BroadcastTo: (node) => expanded(node.operand(0), node.operand(1)),
  Fill: (node) => ({ ...filled(node.operand(0)), isValue: anyValue(node.operands) }),
  ...forAll('RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal', (node) => ({
    ...filled(node.operand(0)),
    isValue: true,
  })),
  Range: ({ given }) => range(given),
  LinSpace: (node) => ({ ...range([node.operand(2)]), isValue: anyValue(node.operands) }),
  Tile: (node) => stretched(node.operand(0), node.operand(1)),
  ...forAll('MirrorPad Pad PadV2', (node) => stretched(node.operand(0), node.operand(1))),
  OneHot: (node) => oneHot(node.operand(0), node.operand(1), node.int('axis', -1), node.operands),
  Multinomial: (node) => ({ ...resized(node.operand(0), 1, anyValue([node.operand(1)])), isValue: true }),
  ...forAll('ResizeBilinear ResizeNearestNeighbor', (node) =>
    onAxes(node.operand(0), SPATIAL, node.operand(1)),
  ),
  ImageProjectiveTransformV3: (node) => ({
    ...onAxes(node.operand(0), SPATIAL, node.operand(2)),
    isValue: anyValue(node.operands),
  }),
  CropAndResize: cropped,
  ScatterNd: (node) => ({ ...filled(node.operand(2)), isValue: anyValue(node.operands) }),
  SparseToDense: (node) => ({ ...filled(node.operand(1)), isValue: anyValue(node.operands) }),
};

/** One crop for each box, of the size in the last operand. */
function cropped(node: TfNode): TensorFacts {
  const boxes = mapAxes(node.operand(1).counted, (axis) => (axis === 0 ? 0 : undefined));
  const crops = { rank: 4, counted: boxes, isValue: anyValue(node.operands) };
  return { ...onAxes(crops, SPATIAL, node.operand(3)), isValue: crops.isValue };
}
