import type { Value, ZooModel } from '../graph.ts';
import { add, exp, multiply, sigmoid, subtract } from '../layers/arithmetic.ts';
import { conv } from '../layers/convolution.ts';
import { channelsFirst, channelsLast, concat, reshapeRows, sizeOf, slice } from '../layers/shape.ts';
import { convNormRelu6, mobileNetFeatures } from './mobilenet-features.ts';
import { type Anchor, anchorsOfLevel, boxesOfLevel } from './ssd-anchors.ts';

/** The 90 categories of COCO and the background. */
const CLASSES = 91;

/** Filters of the 1×1 and the 3×3 convolution of the four levels that follow the backbone. */
const EXTRA_LEVELS = [
  [256, 512],
  [128, 256],
  [128, 256],
  [64, 128],
] as const;

/** How much finer the network tells positions and sizes than whole boxes. */
const CENTER_SCALE = 10;
const SIZE_SCALE = 5;

/**
 * MobileNet-SSD 300 (Liu et al. 2016 on MobileNetV1, as TensorFlow's `ssd_mobilenet_v1_coco`): six feature
 * maps of 19, 10, 5, 3, 2 and 1 cells a side, 1917 boxes. Boxes come decoded, corners as fractions of the
 * image; scores are independent sigmoids.
 *
 * Non-maximum suppression is left to the caller: it gives as many boxes as it likes, so its output has no
 * batch axis, and a model with it could not batch.
 */
export const ssd: ZooModel = {
  name: 'ssd',
  description:
    'MobileNet-SSD 300: 300×300 RGB image → 1917 boxes (ymin, xmin, ymax, xmax) and scores of 91 classes',
  paperName: 'SSD',
  version: 1,
  sizeBytes: 27_454_990,
  build(graph) {
    const image = graph.input('inputs', 'float32', [300, 300, 3]);
    const levels = featureMaps(channelsFirst(image));
    const heads = levels.map((features, level) => {
      const boxesACell = boxesOfLevel(level, levels.length).length;
      return { boxes: head(features, boxesACell, 4), scores: head(features, boxesACell, CLASSES) };
    });
    const anchors = levels.flatMap((features, level) =>
      anchorsOfLevel(level, levels.length, sizeOf(features, 2)),
    );
    const offsets = concat(
      heads.map(({ boxes }) => boxes),
      1,
    );
    const scores = concat(
      heads.map(({ scores }) => scores),
      1,
    );
    graph.output('raw_detection_boxes', decodeBoxes(offsets, anchors));
    graph.output('raw_detection_scores', sigmoid(scores));
  },
};

function featureMaps(image: Value): Value[] {
  const { sixteenth, last } = mobileNetFeatures(image);
  const maps = [sixteenth, last];
  for (const [narrow, filters] of EXTRA_LEVELS) {
    const x = convNormRelu6(maps.at(-1)!, { filters: narrow, kernel: 1 });
    maps.push(convNormRelu6(x, { filters, kernel: 3, stride: 2 }));
  }
  return maps;
}

/** Predicts `width` numbers for each box of each cell: [batch, cells × boxes, width]. */
function head(features: Value, boxesACell: number, width: number): Value {
  const perCell = channelsLast(conv(features, { filters: boxesACell * width, kernel: 1 }));
  return reshapeRows(perCell, [sizeOf(perCell, 1) * sizeOf(perCell, 2) * boxesACell, width]);
}

/** Turns offsets from the anchors (dy, dx, log height, log width) into corners. */
function decodeBoxes(offsets: Value, anchors: readonly Anchor[]): Value {
  const { graph } = offsets;
  const pairs = (pairOf: (anchor: Anchor) => readonly [number, number]): Value =>
    graph.constant([anchors.length, 2], anchors.flatMap(pairOf));
  const centers = add(
    multiply(
      slice(offsets, 2, 0, 2),
      pairs(({ height, width }) => [height / CENTER_SCALE, width / CENTER_SCALE]),
    ),
    pairs(({ centerY, centerX }) => [centerY, centerX]),
  );
  const halfSizes = multiply(
    exp(multiply(slice(offsets, 2, 2, 4), graph.constant([], [1 / SIZE_SCALE]))),
    pairs(({ height, width }) => [height / 2, width / 2]),
  );
  return concat([subtract(centers, halfSizes), add(centers, halfSizes)], 2);
}
