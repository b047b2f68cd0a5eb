import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import type { GivenAxes } from '../../../../models/manifest/batch-axis.ts';
import { canBatch, type ModelManifest } from '../../../../models/manifest/manifest.ts';
import { node } from '../../../support/onnx-nodes.ts';
import { intWeights, ModelFolder, type TinyGraph, tensorInfo } from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

async function inspect(name: string, graph: TinyGraph, batchAxes?: GivenAxes): Promise<ModelManifest> {
  const path = await folder.write(`${name}.onnx`, graph);
  return onnxEngine.inspect(path, name, undefined, { batchAxes });
}

const axes = ({ inputs, outputs }: ModelManifest) =>
  [...inputs, ...outputs].map(({ name, batchAxis }) => [name, batchAxis]);

/** Rows lie along the second axis, as frames of states do; the first one is summed up. */
const frames: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['features', 'rows'])],
  outputs: [tensorInfo('y', 'float32', ['one', 'rows'])],
  nodes: [node('CumSum', 'x zero', 'y')],
  weights: [intWeights('zero', [0])],
};

describe('a batch axis that the user gives', () => {
  it('is tried in place of what the declaration suggests', async () => {
    expect(canBatch(await inspect('frames', frames))).toBe(false);
    for (const given of [{ x: 1 }, { '': 1 }]) {
      const manifest = await inspect('frames', frames, given);
      expect(manifest.batching).toMatchObject({ state: 'proven', given });
      expect(axes(manifest)).toEqual([
        ['x', 1],
        ['y', 1],
      ]);
    }
  });

  it('is refuted as any other, and the reason says that it was given', async () => {
    const manifest = await inspect('frames', frames, { x: 0 });
    expect(manifest.batching).toMatchObject({ state: 'refuted' });
    expect(manifest.batching!.reason).toMatch(/^along axis 0 of input "x", as given, /);
    expect(canBatch(manifest)).toBe(false);
  });

  it('ties the inputs that share its symbol', async () => {
    const sum: TinyGraph = {
      inputs: [tensorInfo('x', 'float32', ['k', 'rows']), tensorInfo('bias', 'float32', ['rows'])],
      outputs: [tensorInfo('y', 'float32', ['k', 'rows'])],
      nodes: [node('Add', 'x bias', 'y')],
    };
    expect(axes(await inspect('sum', sum, { x: 1 }))).toEqual([
      ['x', 1],
      ['bias', 0],
      ['y', 1],
    ]);
  });

  it('has to be there', async () => {
    await expect(inspect('frames', frames, { z: 0 })).rejects.toThrow('There is no input "z"');
    await expect(inspect('frames', frames, { x: 2 })).rejects.toThrow('Input "x" has no axis 2');
  });
});
