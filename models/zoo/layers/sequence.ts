import type { Value } from '../graph.ts';
import { around, xavier } from '../initial-values.ts';
import { sizeOf, squeeze } from './shape.ts';

export interface Embedding {
  /** Ids run from 0 to `vocabulary` − 1. */
  readonly vocabulary: number;
  readonly width: number;
}

/** Looks up one vector an id: [batch, length] → [batch, length, width]. */
export function embedding(ids: Value, { vocabulary, width }: Embedding): Value {
  const table = ids.graph.weight('embedding', [vocabulary, width], around(0, Math.sqrt(3)));
  return lookUp(table, ids);
}

/** Takes the rows of a table at the positions given. */
export function lookUp(table: Value, ids: Value): Value {
  return ids.graph.node('Gather', [table, ids], [...ids.shape, sizeOf(table, 1)]);
}

/** Runs an LSTM over [length, batch, width] and gives every step's state: [length, batch, units]. */
export function lstm(x: Value, units: number): Value {
  const [length, batch] = x.shape;
  return squeeze(lstmNode(x, units, 0, [length!, 1, batch!, units]), 1);
}

/** Runs an LSTM over [length, batch, width] and gives the last state: [batch, units]. */
export function lstmLast(x: Value, units: number): Value {
  return squeeze(lstmNode(x, units, 1, [1, x.shape[1]!, units]), 0);
}

function lstmNode(x: Value, units: number, outputIndex: number, shape: Value['shape']): Value {
  const { graph } = x;
  const width = sizeOf(x, 2);
  const gates = 4 * units; // input, output, forget, cell
  const weights = [
    graph.weight('lstm_kernel', [1, gates, width], xavier(width, units)),
    graph.weight('lstm_recurrence', [1, gates, units], xavier(units, units)),
    graph.weight('lstm_bias', [1, 2 * gates], around(0, 0.1)),
  ];
  return graph.node('LSTM', [x, ...weights], shape, { hidden_size: units }, outputIndex);
}
