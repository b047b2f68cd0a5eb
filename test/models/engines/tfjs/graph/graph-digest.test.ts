import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tfjsGraphDigest } from '../../../../../models/engines/tfjs/graph/graph-digest.ts';
import {
  graphInit,
  layersInit,
  placeholder,
  randomWeights,
  type TfjsInit,
  writeTfjsModel,
} from '../../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

let count = 0;
async function digest(init: TfjsInit): Promise<string> {
  count += 1;
  return tfjsGraphDigest(await writeTfjsModel(join(folder.path, String(count)), init));
}

/** y = x · w, in the shape that a constant says. */
const graph = (seed: number, to: readonly number[], columns = 6): TfjsInit =>
  graphInit(
    [
      placeholder('x', 'float32', [-1, 3]),
      { name: 'product', op: 'MatMul', input: ['x', 'w'], attr: {} },
      { name: 'y', op: 'Reshape', input: ['product', 'to'], attr: {} },
    ],
    [randomWeights(seed, 'w', [3, columns]), { name: 'to', shape: [to.length], dtype: 'int32', values: to }],
  );

describe('the digest of a TF.js graph', () => {
  it('is the same for other weights, and another for other shapes', async () => {
    const one = await digest(graph(1, [-1, 2, 3]));
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await digest(graph(2, [-1, 2, 3]))).toBe(one);
    expect(await digest(graph(1, [-1, 3, 2]))).not.toBe(one);
    expect(await digest(graph(1, [-1, 2, 3], 12))).not.toBe(one);
  });

  it('does not care which version has written the file', async () => {
    const init = graph(1, [-1, 2, 3]);
    const newer = { ...init, modelTopology: { ...init.modelTopology, versions: { producer: 2000 } } };
    expect(await digest(newer)).toBe(await digest(init));
  });

  it('is, of layers, that of their configuration', async () => {
    const layers = (seed: number, units: number): Promise<TfjsInit> =>
      layersInit((tf) => {
        const x = tf.input({ shape: [3], name: 'x' });
        const y = tf.layers.dense({ units, name: 'y' }).apply(x);
        return tf.model({ inputs: x, outputs: y as import('@tensorflow/tfjs-layers').SymbolicTensor });
      }, seed);
    const one = await digest(await layers(1, 2));
    expect(await digest(await layers(2, 2))).toBe(one);
    expect(await digest(await layers(1, 4))).not.toBe(one);
  });
});
