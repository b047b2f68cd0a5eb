import type { ZooModel } from '../graph.ts';
import { softmax } from '../layers/arithmetic.ts';
import { globalAveragePool } from '../layers/convolution.ts';
import { dense } from '../layers/dense.ts';
import { channelsFirst } from '../layers/shape.ts';
import { mobileNetFeatures } from './mobilenet-features.ts';

/** MobileNetV1 1.0 224 (Howard et al. 2017) with the classifier of Keras: 4,253,864 parameters. */
export const mobilenet: ZooModel = {
  name: 'mobilenet',
  description: 'MobileNetV1 1.0: 224×224 RGB image → probabilities of 1000 classes',
  paperName: 'MobileNet',
  version: 1,
  sizeBytes: 17_032_672,
  build(graph) {
    const image = graph.input('inputs', 'float32', [224, 224, 3]);
    const pooled = globalAveragePool(mobileNetFeatures(channelsFirst(image)).last);
    graph.output('predictions', softmax(dense(pooled, 1000)));
  },
};
