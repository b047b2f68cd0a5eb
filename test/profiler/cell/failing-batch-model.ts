import { writeFile } from 'node:fs/promises';
import { Graph } from '../../../models/zoo/graph.ts';

/**
 * A model that takes up to `largest` rows and breaks on more: it looks up one of `largest` vectors by the
 * number of rows, as a real one breaks that was exported with a table for the batches its author tried.
 */
export async function writeFailingBatchModel(file: string, largest: number): Promise<void> {
  const graph = new Graph('failing-batch');
  const input = graph.input('x', 'float32', [4]);
  const rows = graph.node('Gather', [graph.node('Shape', [input], [2]), graph.integers([0])], [1]);
  const index = graph.node('Sub', [rows, graph.integers([1])], [1]);
  // Zeros: what a row gives must not depend on the rows beside it, or it would not count as a batch at all.
  const vectors = graph.constant([largest, 4], new Array<number>(largest * 4).fill(0));
  const vector = graph.node('Gather', [vectors, index], [1, 4]);
  graph.output('y', graph.node('Add', [input, vector], ['batch', 4]));
  await writeFile(file, graph.encode());
}
