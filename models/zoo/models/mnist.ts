import type { ZooModel } from '../graph.ts';
import { softmax, tanh } from '../layers/arithmetic.ts';
import { averagePool, conv } from '../layers/convolution.ts';
import { dense } from '../layers/dense.ts';
import { channelsFirst, flatten } from '../layers/shape.ts';

const POOL = { kernel: 2, stride: 2, padding: 0 } as const;

/** LeNet-5 (LeCun et al. 1998) as it is taught today: 61,706 parameters. */
export const mnist: ZooModel = {
  name: 'mnist',
  description: 'LeNet-5: 28×28 grey image of a digit → probabilities of 10 digits',
  paperName: 'MNIST',
  version: 1,
  sizeBytes: 248_325,
  build(graph) {
    const image = graph.input('inputs', 'float32', [28, 28, 1]);
    let x = tanh(conv(channelsFirst(image), { filters: 6, kernel: 5, padding: 2 }));
    x = averagePool(x, POOL);
    x = tanh(conv(x, { filters: 16, kernel: 5, padding: 0 }));
    x = flatten(averagePool(x, POOL));
    x = tanh(dense(x, 120));
    x = tanh(dense(x, 84));
    graph.output('predictions', softmax(dense(x, 10)));
  },
};
