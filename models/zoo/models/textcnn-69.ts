import type { ZooModel } from '../graph.ts';
import { relu, softmax } from '../layers/arithmetic.ts';
import { conv, globalMaxPool } from '../layers/convolution.ts';
import { dense } from '../layers/dense.ts';
import { embedding } from '../layers/sequence.ts';
import { concat, transpose } from '../layers/shape.ts';

const LENGTH = 64;
const VOCABULARY = 20_000;
const WIDTH = 128;
/** Words a filter looks at, and how many filters there are of each kind. */
const REGIONS = [3, 4, 5] as const;
const FILTERS = 128;
const CLASSES = 69;

/** TextCNN (Kim 2014) in its usual size: 2.8 M parameters, 11 MB, as large as the paper's. */
export const textcnn69: ZooModel = {
  name: 'textcnn-69',
  description: `TextCNN: ${LENGTH} token ids below ${VOCABULARY} → probabilities of ${CLASSES} classes`,
  paperName: 'TextCNN-69',
  version: 1,
  sizeBytes: 11_136_031,
  build(graph) {
    const tokens = graph.input('tokens', 'int64', [LENGTH]);
    const words = embedding(tokens, { vocabulary: VOCABULARY, width: WIDTH });
    const text = transpose(words, [0, 2, 1]);
    const features = REGIONS.map((kernel) =>
      globalMaxPool(relu(conv(text, { filters: FILTERS, kernel, padding: 0 }))),
    );
    graph.output('predictions', softmax(dense(concat(features, 1), CLASSES)));
  },
};
