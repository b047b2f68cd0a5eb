import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Graph } from '../../../models/zoo/graph.ts';
import { around } from '../../../models/zoo/initial-values.ts';
import { lookUp } from '../../../models/zoo/layers/sequence.ts';
import { reshapeRows, slice } from '../../../models/zoo/layers/shape.ts';
import { encodeTinyModel, floatWeights, intWeights, tensorInfo } from '../../support/tiny-models.ts';

const directory = mkdtempSync(join(tmpdir(), 'infless-server-'));
afterAll(() => rmSync(directory, { recursive: true }));
let saved = 0;

/**
 * Answers every number with itself, so that each client can tell its answer from all others, and takes its
 * time: each of the `products` multiplies a 512×512 matrix, some milliseconds a row on one core.
 */
export async function slowEcho(products: number): Promise<string> {
  const graph = new Graph('slow-echo');
  const size = 512;
  const averaging = graph.node(
    'Expand',
    [graph.constant([1], [1 / size]), graph.integers([size, size])],
    [size, size],
  );
  let x = reshapeRows(graph.input('x', 'float32', [1]), [1, 1]);
  x = graph.node('Expand', [x, graph.integers([1, size, size])], ['batch', size, size]);
  for (let product = 0; product < products; product += 1) {
    x = graph.node('MatMul', [x, averaging], ['batch', size, size]);
  }
  graph.output('y', reshapeRows(slice(slice(x, 1, 0, 1), 2, 0, 1), [1]));
  return save(graph, 'echo');
}

/** Looks ids up in a table of ten rows; any other id breaks the run. */
export async function tenIds(): Promise<string> {
  const graph = new Graph('ten-ids');
  const ids = graph.input('ids', 'int64', [1]);
  graph.output('row', reshapeRows(lookUp(graph.weight('table', [10, 2], around(0, 1)), ids), [2]));
  return save(graph, 'ids');
}

/** Looks ids from 1000 on up in a table of ten rows: none that is made up is there. */
export function farIds(): Promise<string> {
  return save(
    {
      encode: () =>
        encodeTinyModel({
          inputs: [tensorInfo('ids', 'int64', ['batch', 1])],
          outputs: [tensorInfo('row', 'float32', ['batch', 1])],
          nodes: [
            { opType: 'Sub', input: ['ids', 'first'], output: ['place'] },
            { opType: 'Gather', input: ['table', 'place'], output: ['row'] },
          ],
          weights: [
            floatWeights(
              'table',
              [10],
              Array.from({ length: 10 }, (_, at) => at),
            ),
            intWeights('first', [1000]),
          ],
        }),
    },
    'far',
  );
}

async function save(graph: Pick<Graph, 'encode'>, name: string): Promise<string> {
  saved += 1;
  const file = join(directory, `${name}-${saved}.onnx`);
  await writeFile(file, graph.encode());
  return file;
}
