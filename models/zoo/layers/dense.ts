import type { Graph, Value } from '../graph.ts';
import { around, xavier } from '../initial-values.ts';
import { sizeOf } from './shape.ts';

/** A fully connected layer: [batch, n] → [batch, units]. */
export function dense(x: Value, units: number): Value {
  return denseLayer(x.graph, sizeOf(x, 1), units)(x);
}

/** The weights of a fully connected layer, as a function that applies them: several inputs may share it. */
export function denseLayer(graph: Graph, width: number, units: number): (x: Value) => Value {
  const kernel = graph.weight('dense_kernel', [width, units], xavier(width, units));
  const bias = graph.weight('dense_bias', [units], around(0, 0.1));
  return (x) => graph.node('Gemm', [x, kernel, bias], [x.shape[0]!, units]);
}
