import type { Value, ZooModel } from '../graph.ts';
import { add, relu, softmax } from '../layers/arithmetic.ts';
import { batchNorm, type Convolution, conv, globalAveragePool, maxPool } from '../layers/convolution.ts';
import { dense } from '../layers/dense.ts';
import { channelsFirst, sizeOf } from '../layers/shape.ts';

/** Blocks, width of the 3×3 convolution and stride of each stage (He et al. 2015, table 1). */
const STAGES = [
  { blocks: 3, width: 64, stride: 1 },
  { blocks: 4, width: 128, stride: 2 },
  { blocks: 6, width: 256, stride: 2 },
  { blocks: 3, width: 512, stride: 2 },
] as const;

/** A block's output is four times as wide as its inside. */
const EXPANSION = 4;

/**
 * Scale of each block's last normalization. Sixteen sums of branches as strong as their input would grow the
 * activations 250-fold; training starts such scales near zero for the same reason.
 */
const BRANCH_SCALE = 0.25;

/**
 * ResNet-50 v1.5: the stride sits in a block's 3×3 convolution, as in PyTorch, TensorFlow's official models
 * and MLPerf. 25,557,032 trained parameters and 53,120 moments.
 */
export const resnet50: ZooModel = {
  name: 'resnet-50',
  description: 'ResNet-50 v1.5: 224×224 RGB image → probabilities of 1000 classes',
  paperName: 'ResNet-50',
  version: 1,
  sizeBytes: 102_466_700,
  build(graph) {
    const image = graph.input('inputs', 'float32', [224, 224, 3]);
    let x = relu(convNorm(channelsFirst(image), { filters: 64, kernel: 7, stride: 2, padding: 3 }));
    x = maxPool(x, { kernel: 3, stride: 2, padding: 1 });
    for (const { blocks, width, stride } of STAGES) {
      for (let block = 0; block < blocks; block++) x = bottleneck(x, width, block === 0 ? stride : 1);
    }
    graph.output('predictions', softmax(dense(globalAveragePool(x), 1000)));
  },
};

function bottleneck(x: Value, width: number, stride: number): Value {
  const filters = EXPANSION * width;
  let branch = relu(convNorm(x, { filters: width, kernel: 1 }));
  branch = relu(convNorm(branch, { filters: width, kernel: 3, stride, padding: 1 }));
  branch = convNorm(branch, { filters, kernel: 1 }, BRANCH_SCALE);
  const shortcut = sizeOf(x, 1) === filters ? x : convNorm(x, { filters, kernel: 1, stride });
  return relu(add(branch, shortcut));
}

function convNorm(x: Value, options: Convolution, scale = 1): Value {
  return batchNorm(conv(x, { ...options, bias: false }), { epsilon: 1e-5, scale });
}
