import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tfjsEngine } from '../../../../../models/engines/tfjs/engine.ts';
import { graphInputHints } from '../../../../../models/engines/tfjs/graph/input-hints.ts';
import { layersInit, writeTfjsModel } from '../../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const node = (name: string, op: string, ...input: string[]) => ({ name, op, input, attr: {} });
const inputs = new Map([['tokens', 'ids:0']]);
const shapeOf = (weight: string) => (weight === 'table' ? [54, 8] : undefined);
const hints = (...nodes: object[]) => graphInputHints({ node: nodes }, inputs, shapeOf).get('tokens')?.below;

describe('what a TensorFlow graph tells of its inputs', () => {
  it.each(['GatherV2', 'ResourceGather'])('ids are below the rows of the table that %s reads', (op) => {
    const ids = node('ids', 'Placeholder');
    expect(hints(ids, node('table', 'Const'), node('y', op, 'table', 'ids', 'axis'))).toBe(54);
    const far = [
      node('t', 'Identity', 'table'),
      node('i', 'Cast', 'ids'),
      node('j', 'ExpandDims', 'i:0', 'a'),
    ];
    expect(hints(ids, node('table', 'Const'), ...far, node('y', op, 't', 'j', 'axis'))).toBe(54);
    expect(hints(ids, node('table', 'Const'), node('y', op, 'ids', 'table', 'axis'))).toBeUndefined();
  });

  it('says nothing of a graph that it does not understand', () => {
    expect(graphInputHints({ node: 'all' }, inputs, shapeOf).size).toBe(0);
  });
});

it('ids of layers are below the rows of the embedding that reads them', async () => {
  const init = await layersInit(({ sequential, layers }) =>
    sequential({
      layers: [
        layers.embedding({ inputDim: 54, outputDim: 4, inputLength: 6 }),
        layers.globalAveragePooling1d({}),
        layers.dense({ units: 2 }),
      ],
    }),
  );
  const manifest = await tfjsEngine.inspect(await writeTfjsModel(join(folder.path, 'net'), init), 'm');
  expect(manifest.inputs[0]!.example).toEqual({ below: 54 });
  expect(manifest.inputs[0]!.batchAxis).toBe(0);
});
