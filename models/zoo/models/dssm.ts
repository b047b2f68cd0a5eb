import type { Graph, Value, ZooModel } from '../graph.ts';
import { around, type InitialValues } from '../initial-values.ts';
import { add, divide, multiply, norm, sum, tanh } from '../layers/arithmetic.ts';
import { denseLayer } from '../layers/dense.ts';
import { lookUp } from '../layers/sequence.ts';
import { squeeze } from '../layers/shape.ts';

/** The letter trigrams of 500,000 words, with ids from 1; 0 stands for none and fills up a text. */
const TRIGRAMS = 30_621;
const QUERY_LENGTH = 32;
const DOCUMENT_LENGTH = 128;
const HIDDEN = 300;
const SEMANTIC = 128;

/**
 * DSSM (Huang et al. 2013): two texts go through the same three tanh layers (300, 300, 128), and the cosine
 * of the results tells how well they match. A text is the bag of its letter trigrams, so that the first layer
 * is a sum of rows of its weights: the same numbers as a product with 30,621 counts that are nearly all zero.
 */
export const dssm: ZooModel = {
  name: 'dssm',
  description: `DSSM: letter trigrams (ids up to ${TRIGRAMS}) of a query (${QUERY_LENGTH}) and a document (${DOCUMENT_LENGTH}) → similarity`,
  paperName: 'DSSM',
  version: 1,
  sizeBytes: 37_264_853,
  build(graph) {
    const tower = buildTower(graph);
    const query = tower(graph.input('query', 'int64', [QUERY_LENGTH]));
    const document = tower(graph.input('document', 'int64', [DOCUMENT_LENGTH]));
    graph.output('similarity', cosine(query, document));
  },
};

/** The three layers, whose weights both texts share. */
function buildTower(graph: Graph): (trigrams: Value) => Value {
  const table = graph.weight('trigram_kernel', [1 + TRIGRAMS, HIDDEN], nothingForZero);
  const bias = graph.weight('trigram_bias', [HIDDEN], around(0, 0.1));
  const hidden = denseLayer(graph, HIDDEN, HIDDEN);
  const semantic = denseLayer(graph, HIDDEN, SEMANTIC);
  return (trigrams) => {
    const hashed = tanh(add(squeeze(sum(lookUp(table, trigrams), 1), 1), bias));
    return tanh(semantic(tanh(hidden(hashed))));
  };
}

const nothingForZero: InitialValues = (random, length) => around(0, 0.3)(random, length).fill(0, 0, HIDDEN);

/** The cosine of the angle between two vectors: [batch, 1]. */
function cosine(a: Value, b: Value): Value {
  const product = sum(multiply(a, b), 1);
  return divide(product, multiply(norm(a, 1), norm(b, 1)));
}
