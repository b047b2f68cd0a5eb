import { writeFile } from 'node:fs/promises';
import { Graph } from '../../../dist/models/zoo/graph.js';

const INPUTS = 1024;
const BYTES_PER_WEIGHT = 4;

/**
 * Writes an ONNX model of one matrix of `sizeBytes`, which is a model file like any other to whoever packs
 * it.
 */
export async function writeLargeModel(file, sizeBytes) {
  const outputs = Math.ceil(sizeBytes / BYTES_PER_WEIGHT / INPUTS);
  const graph = new Graph('large');
  const input = graph.input('input', 'float32', [INPUTS]);
  const kernel = graph.weight('kernel', [INPUTS, outputs], repeatedNoise);
  const product = graph.node('MatMul', [input, kernel], ['batch', outputs]);
  graph.output('sum', graph.node('ReduceSum', [product, graph.integers([1])], ['batch', 1]));
  await writeFile(file, graph.encode());
}

/** As hard to compress as trained weights are, at the speed of a copy. */
function repeatedNoise(random, count) {
  const noise = Float32Array.from({ length: Math.min(count, 1 << 20) }, () => random() - 0.5);
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += noise.length)
    values.set(noise.subarray(0, Math.min(noise.length, count - at)), at);
  return values;
}
