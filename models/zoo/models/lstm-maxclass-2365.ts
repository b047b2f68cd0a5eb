import type { ZooModel } from '../graph.ts';
import { softmax } from '../layers/arithmetic.ts';
import { dense } from '../layers/dense.ts';
import { embedding, lstm, lstmLast } from '../layers/sequence.ts';
import { transpose } from '../layers/shape.ts';

const LENGTH = 24;
const VOCABULARY = 20_000;
const WIDTH = 256;
const UNITS = 512;
const CLASSES = 2365;

/** Two LSTM layers over a question, which is sorted into one of 2365 classes: 10 M parameters, 40 MB. */
export const lstmMaxclass2365: ZooModel = {
  name: 'lstm-maxclass-2365',
  description: `LSTM 2×${UNITS}: ${LENGTH} token ids below ${VOCABULARY} → probabilities of ${CLASSES} classes`,
  paperName: 'LSTM-2365',
  version: 1,
  sizeBytes: 40_046_957,
  build(graph) {
    const tokens = graph.input('tokens', 'int64', [LENGTH]);
    const words = embedding(tokens, { vocabulary: VOCABULARY, width: WIDTH });
    const steps = transpose(words, [1, 0, 2]);
    const state = lstmLast(lstm(steps, UNITS), UNITS);
    graph.output('predictions', softmax(dense(state, CLASSES)));
  },
};
