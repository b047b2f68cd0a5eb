/**
 * Networks of usual layers in many sizes, so that a database knows more kinds of operators than the models at
 * hand have. They are no copies of any model: channels and units go by powers of two.
 */
import { join } from 'node:path';
import { cacheDirectory, writeFileSafely } from '../../../models/base/files.ts';
import { Graph, type Value } from '../../../models/zoo/graph.ts';
import {
  add,
  divide,
  exp,
  multiply,
  norm,
  relu,
  relu6,
  sigmoid,
  softmax,
  subtract,
  sum,
  tanh,
} from '../../../models/zoo/layers/arithmetic.ts';
import {
  averagePool,
  batchNorm,
  conv,
  depthwise,
  globalAveragePool,
  globalMaxPool,
  maxPool,
} from '../../../models/zoo/layers/convolution.ts';
import { dense } from '../../../models/zoo/layers/dense.ts';
import { embedding, lstm, lstmLast } from '../../../models/zoo/layers/sequence.ts';
import {
  channelsFirst,
  channelsLast,
  concat,
  flatten,
  slice,
  transpose,
} from '../../../models/zoo/layers/shape.ts';

interface Calibration {
  readonly name: string;
  /** Part of the file's name: raise it with every change. */
  readonly version: number;
  build(graph: Graph): void;
}

const EPSILON = { epsilon: 1e-3 };
const POOL = { kernel: 3, stride: 2 } as const;

/** Convolutions from large images of few channels to small ones of many. */
function images(name: string, size: number, channels: number, stages: number): Calibration {
  return {
    name,
    version: 1,
    build(graph) {
      let x = channelsFirst(graph.input('image', 'float32', [size, size, 3]));
      for (let stage = 0; stage < stages; stage += 1) {
        const filters = channels << stage;
        x = relu(batchNorm(conv(x, { filters, kernel: 3, stride: 2, bias: false }), EPSILON));
        const narrow = relu6(conv(x, { filters: filters / 2, kernel: 1 }));
        const wide = conv(relu(conv(narrow, { filters: filters / 2, kernel: 3 })), { filters, kernel: 1 });
        x = relu(add(x, wide));
        x = relu6(batchNorm(depthwise(x, { kernel: 3 }), EPSILON));
        x = relu(conv(x, { filters, kernel: 3 }));
        x = relu6(conv(x, { filters, kernel: 1 }));
      }
      graph.output('map', sigmoid(flatten(channelsLast(x))));
      graph.output('classes', softmax(dense(globalAveragePool(x), 256)));
    },
  };
}

/** Small convolutions as of the first networks, with pooling between. */
const pooled: Calibration = {
  name: 'pooled',
  version: 1,
  build(graph) {
    let x = channelsFirst(graph.input('image', 'float32', [64, 64, 1]));
    for (const filters of [4, 8, 32, 64]) {
      x = tanh(conv(x, { filters, kernel: 5, padding: 2 }));
      x = concat([maxPool(x, POOL), averagePool(x, POOL)], 1);
    }
    x = flatten(x);
    for (const units of [512, 64, 16]) x = tanh(dense(x, units));
    graph.output('classes', softmax(x));
  },
};

/** Texts through recurrent layers and convolutions of words. */
function texts(name: string, length: number, width: number, units: number): Calibration {
  return {
    name,
    version: 1,
    build(graph) {
      const words = embedding(graph.input('tokens', 'int64', [length]), { vocabulary: 5000, width });
      const steps = transpose(words, [1, 0, 2]);
      const state = lstmLast(lstm(steps, units), units);
      const channels = transpose(words, [0, 2, 1]);
      const features = [2, 3, 5].map((kernel) =>
        globalMaxPool(relu(conv(channels, { filters: units / 2, kernel, padding: 0 }))),
      );
      graph.output('classes', softmax(dense(concat([state, ...features], 1), 2 * units)));
    },
  };
}

/** Matrix products, and arithmetic of vectors. */
const vectors: Calibration = {
  name: 'vectors',
  version: 1,
  build(graph) {
    const input = graph.input('vector', 'float32', [256]);
    let x: Value = input;
    for (const units of [64, 1024, 256, 2048, 512, 128]) x = tanh(dense(x, units));
    const half = tanh(dense(slice(x, 1, 0, 64), 128));
    const product = sum(multiply(x, half), 1);
    graph.output('cosine', divide(product, multiply(norm(x, 1), norm(half, 1))));
    graph.output('rest', sigmoid(exp(subtract(tanh(half), relu(x)))));
  },
};

/** Texts as bags of words: rows of a table, added up. */
const bags: Calibration = {
  name: 'bags',
  version: 1,
  build(graph) {
    const sums = [16, 64, 256].map((length) => {
      const words = embedding(graph.input(`ids_${length}`, 'int64', [length]), {
        vocabulary: 8000,
        width: 256,
      });
      return tanh(flatten(sum(words, 1)));
    });
    graph.output('sums', concat(sums, 1));
  },
};

const CALIBRATIONS: readonly Calibration[] = [
  images('images-narrow', 128, 16, 6),
  images('images-wide', 64, 64, 5),
  pooled,
  texts('texts-short', 16, 128, 128),
  texts('texts-middle', 32, 256, 256),
  texts('texts-wide', 16, 512, 1024),
  vectors,
  bags,
];

/** Writes the networks into the cache; their names there begin with `calibration-`. */
export function calibrationModels(): Promise<readonly string[]> {
  return Promise.all(
    CALIBRATIONS.map(async ({ name, version, build }) => {
      const file = join(cacheDirectory(), 'operators', `calibration-${name}-${version}.onnx`);
      const graph = new Graph(name);
      build(graph);
      await writeFileSafely(file, graph.encode());
      return file;
    }),
  );
}
