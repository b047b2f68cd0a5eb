import { TensorProto_DataType } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import { rowsOf } from '../../../../models/manifest/feeds.ts';
import { canBatch, type ModelManifest, trusted } from '../../../../models/manifest/manifest.ts';
import { measureMixing } from '../../../support/mixing/measure.ts';
import { body, floatsOfRank, type NodeInit, node } from '../../../support/onnx-nodes.ts';
import {
  floatWeights,
  intWeights,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
} from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

let count = 0;
async function inspect(graph: TinyGraph): Promise<ModelManifest> {
  count += 1;
  return onnxEngine.inspect(await folder.write(`model-${count}.onnx`, graph), 'tiny');
}

const scalar = (name: string, value: number) => floatWeights(name, [], [value]);

/** From rows `x` of two numbers to `y`. */
function rows(nodes: readonly NodeInit[], output = tensorInfo('y', 'float32', ['batch', 2])): TinyGraph {
  return {
    inputs: [tensorInfo('x', 'float32', ['batch', 2])],
    outputs: [output],
    nodes,
    weights: [scalar('one', 1), scalar('eighty', 80), scalar('thousand', 1000), intWeights('zero', [0])],
  };
}

const labels = tensorInfo('y', 'int64', ['batch']);

describe('a model whose rows depend on each other', () => {
  it.each<readonly [string, TinyGraph]>([
    [
      'decibels, cut off below the loudest of all',
      rows([
        node('Log', 'x', 'loud'),
        node('ReduceMax', 'loud', 'loudest'),
        node('Sub', 'loudest eighty', 'floor'),
        node('Max', 'loud floor', 'y'),
      ]),
    ],
    [
      'labels behind batch statistics',
      {
        ...rows(
          [
            node('BatchNormalization', 'x scale offset mean variance', 'n m v', { training_mode: 1 }),
            node('ArgMax', 'n', 'y', { axis: 1, keepdims: 0 }),
          ],
          labels,
        ),
        weights: [
          floatWeights('scale', [2], [1, 1]),
          floatWeights('offset', [2], [0, 0]),
          floatWeights('mean', [2], [0, 0]),
          floatWeights('variance', [2], [1, 1]),
        ],
      },
    ],
    [
      'whole numbers that are added up',
      rows(
        [node('Cast', 'x', 'n', { to: TensorProto_DataType.INT64 }), node('CumSum', 'n zero', 'y')],
        tensorInfo('y', 'int64', ['batch', 2]),
      ),
    ],
    [
      'a branch for all if one is beyond what anybody would try',
      rows([
        node('ReduceMax', 'x', 'most', { keepdims: 0 }),
        node('Mul', 'thousand thousand', 'million'),
        node('Greater', 'most million', 'is'),
        node('If', 'is', 'y', {
          then_branch: body([node('Neg', 'x', 'a')], [floatsOfRank('a', 2)]),
          else_branch: body([node('Identity', 'x', 'b')], [floatsOfRank('b', 2)]),
        }),
      ]),
    ],
    [
      'one scale of quantisation for all',
      rows([node('DynamicQuantizeLinear', 'x', 'q s z'), node('DequantizeLinear', 'q s z', 'y')]),
    ],
  ])('is served one by one, whatever comes out of it: %s', async (_, graph) => {
    const manifest = await inspect(graph);
    expect(manifest.batching).toMatchObject({ state: 'refuted' });
    expect(canBatch(manifest)).toBe(false);
    expect(canBatch(trusted(manifest))).toBe(true);
  });

  it('says what mixes them', async () => {
    const manifest = await inspect(
      rows([node('DynamicQuantizeLinear', 'x', 'q s z'), node('DequantizeLinear', 'q s z', 'y')]),
    );
    expect(manifest.batching!.reason).toMatch(/quantisation is dynamic|beside other rows/);
  });
});

describe('which axis may be the batch', () => {
  it('is not the height of an image whose first axis is fixed', async () => {
    const dims = [1, 3, 'height', 'width'];
    const manifest = await inspect({
      inputs: [tensorInfo('image', 'float32', dims)],
      outputs: [tensorInfo('y', 'float32', dims)],
      nodes: [node('Relu', 'image', 'y')],
    });
    expect(manifest.inputs[0]!.batchAxis).toBeNull();
    expect(manifest.batching).toMatchObject({ state: 'refuted' });
  });

  it('is the first, where another one runs only at a size that it has to be told', async () => {
    const manifest = await inspect({
      inputs: [tensorInfo('image', 'float32', ['D0', 1, 'D2', 'W'])],
      outputs: [tensorInfo('y', 'float32', ['other', 'W', 1])],
      nodes: [
        node('Conv', 'image kernel', 'c', { kernel_shape: [32, 1] }),
        node('Squeeze', 'c height', 's'),
        node('Transpose', 's', 'y', { perm: [0, 2, 1] }),
      ],
      weights: [
        floatWeights(
          'kernel',
          [1, 1, 32, 1],
          Array.from({ length: 32 }, (_, index) => index / 32),
        ),
        intWeights('height', [2]),
      ],
    });
    expect(manifest.batching).toMatchObject({ state: 'proven' });
    expect([...manifest.inputs, ...manifest.outputs].map(({ batchAxis }) => batchAxis)).toEqual([0, 0]);
  });

  it('is that of one input, where another does not share its symbol', async () => {
    const manifest = await inspect({
      inputs: [tensorInfo('images', 'float32', ['images', 2]), tensorInfo('texts', 'float32', ['texts', 2])],
      outputs: [tensorInfo('y', 'float32', ['images', 'texts'])],
      nodes: [node('Transpose', 'texts', 't', { perm: [1, 0] }), node('MatMul', 'images t', 'y')],
    });
    expect(manifest.inputs.map(({ batchAxis }) => batchAxis)).toEqual([0, null]);
    const tensor = (count: number) => ({
      dtype: 'float32' as const,
      shape: [count, 2],
      data: new Float32Array(2 * count),
    });
    expect(rowsOf(manifest, { images: tensor(1), texts: tensor(3) })).toBe(1);
  });

  it('is that of the rows alone, where another input is the same for all', async () => {
    const manifest = await inspect({
      inputs: [tensorInfo('x', 'float32', ['batch', 2]), tensorInfo('rate', 'float32', [])],
      outputs: [tensorInfo('y', 'float32', ['batch', 2])],
      nodes: [node('Mul', 'x rate', 'y')],
    });
    expect(manifest.inputs.map(({ batchAxis }) => batchAxis)).toEqual([0, null]);
    expect(canBatch(manifest)).toBe(true);
  });
});

describe('graphs of a generator', () => {
  it('are batched if, and only if, their rows are independent, and answer as each alone', async () => {
    const wrong: string[] = [];
    const figures = await measureMixing(2026, 20, (judged) => {
      if (judged.accepted === judged.isDependent) wrong.push(`${judged.name} (${judged.reason})`);
    });
    expect(wrong).toEqual([]);
    expect(figures.differing).toBe(0);
  }, 30_000);
});
