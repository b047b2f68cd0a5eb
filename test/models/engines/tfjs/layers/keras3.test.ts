import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InflessError } from '../../../../../models/base/errors.ts';
import { readableLayers } from '../../../../../models/engines/tfjs/layers/keras3.ts';
import { Program } from '../../../../../models/engines/tfjs/program.ts';
import { writeTfjsModel } from '../../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../../support/tiny-models.ts';

const ONE_CORE = { cpuMillicores: 1000, gpuPercent: 0 };
const FLOAT = {
  module: 'keras',
  class_name: 'DTypePolicy',
  config: { name: 'float32' },
  registered_name: null,
};

let folder: ModelFolder;
let count = 0;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

/** A layer as Keras 3 writes it. */
function layer(kind: string, name: string, config: object, ...calls: readonly (readonly Tensor[])[]): object {
  return {
    module: 'keras.layers',
    class_name: kind,
    config: { name, trainable: true, dtype: FLOAT, ...config },
    registered_name: null,
    build_config: { input_shape: [null, 2] },
    name,
    inbound_nodes: calls.map((tensors) => ({
      args: tensors.length === 1 ? tensors.map(kerasTensor) : [tensors.map(kerasTensor)],
      kwargs: { mask: null },
    })),
  };
}

type Tensor = readonly [layer: string, call: number];

function kerasTensor([name, call]: Tensor): object {
  const config = { shape: [null, 2], dtype: 'float32', keras_history: [name, call, 0] };
  return { class_name: '__keras_tensor__', config };
}

function input(name: string): object {
  return layer('InputLayer', name, { batch_shape: [null, 2], sparse: false, ragged: false });
}

function dense(name: string, units: number, ...calls: readonly (readonly Tensor[])[]): object {
  const initializer = { module: 'keras.initializers', class_name: 'OrthogonalInitializer', config: {} };
  const regularizer = { module: 'keras.regularizers', class_name: 'L2', config: { l2: 0.01 } };
  const config = { units, activation: 'linear', use_bias: true, kernel_initializer: initializer };
  return layer('Dense', name, { ...config, kernel_regularizer: regularizer }, ...calls);
}

function sequential(name: string, ...layers: readonly object[]): object {
  return { module: 'keras', class_name: 'Sequential', config: { name, layers }, registered_name: null };
}

function functional(
  name: string,
  inputs: readonly string[],
  output: Tensor,
  ...layers: readonly object[]
): object {
  const ends = inputs.map((layerName) => [layerName, 0, 0]);
  const config = { name, layers, input_layers: ends, output_layers: [...output, 0] };
  return { module: 'keras.src.models.functional', class_name: 'Functional', config };
}

function topology(model: object): object {
  return { keras_version: '3.7.0', backend: 'tensorflow', model_config: model };
}

/** What the model answers to one row for each of its inputs. */
async function answer(
  model: object,
  weights: Readonly<Record<string, readonly number[]>>,
  ...rows: readonly (readonly number[])[]
): Promise<number[]> {
  const path = await writeTfjsModel(`${folder.path}/model-${count++}`, {
    format: 'layers-model',
    modelTopology: topology(model),
    weights: Object.entries(weights).map(([name, values]) => {
      const shape = /kernel$/.test(name) ? [2, values.length / 2] : [values.length];
      return { name, shape, dtype: 'float32', values };
    }),
  });
  const program = await Program.load(path, ONE_CORE);
  try {
    const feeds = program.inputs.map(({ name }, index) => {
      const data = Float32Array.from(rows[index]!);
      return [name, { dtype: 'float32' as const, shape: [1, data.length], data }] as const;
    });
    const outputs = await program.run('keras3', Object.fromEntries(feeds));
    return Array.from(outputs[program.outputs[0]!.name]!.data as Float32Array);
  } finally {
    program.dispose();
  }
}

describe('layers of Keras 3', () => {
  it('answer in a chain', async () => {
    const model = sequential('sequential', input('in'), dense('dense', 2), dense('dense_1', 1));
    const weights = {
      'sequential/dense/kernel': [1, 2, 3, 4],
      'sequential/dense/bias': [10, 20],
      'sequential/dense_1/kernel': [1, -1],
      'sequential/dense_1/bias': [0.5],
    };
    // [1, 2] · [[1, 2], [3, 4]] + [10, 20] = [17, 30]; 17 - 30 + 0.5
    expect(await answer(model, weights, [1, 2])).toEqual([-12.5]);
  });

  it('answer in a graph in which a layer is called twice', async () => {
    const both: readonly Tensor[] = [
      ['shared', 0],
      ['shared', 1],
    ];
    const model = functional(
      'functional',
      ['a', 'b'],
      ['add', 0],
      input('a'),
      input('b'),
      dense('shared', 1, [['a', 0]], [['b', 0]]),
      layer('Add', 'add', {}, both),
    );
    const weights = { 'shared/kernel': [1, 10], 'shared/bias': [100] };
    expect(await answer(model, weights, [1, 2], [3, 4])).toEqual([121 + 143]);
  });

  it('answer in models within a model, whose calls Keras counts in two ways', async () => {
    const chain = sequential('chain', input('chain_in'), dense('inner', 2));
    const graph = functional(
      'graph',
      ['graph_in'],
      ['last', 0],
      input('graph_in'),
      dense('last', 1, [['graph_in', 0]]),
    );
    const calls = (...tensors: Tensor[]): object => ({
      inbound_nodes: tensors.map((tensor) => ({ args: [kerasTensor(tensor)], kwargs: {} })),
    });
    const model = functional(
      'functional',
      ['a', 'b'],
      ['graph', 1],
      input('a'),
      input('b'),
      { ...chain, name: 'chain', ...calls(['a', 0], ['b', 0]) },
      layer('Concatenate', 'add', { axis: -1 }, [
        ['chain', 0],
        ['chain', 1],
      ]),
      layer('Reshape', 'pairs', { target_shape: [2, 2] }, [['add', 0]]),
      layer('GlobalMaxPooling1D', 'largest', { keepdims: false }, [['pairs', 0]]),
      { ...graph, name: 'graph', ...calls(['largest', 0]) },
    );
    const weights = {
      'chain/inner/kernel': [2, 0, 0, 3],
      'chain/inner/bias': [1, 1],
      'last/kernel': [1, 100],
      'last/bias': [0],
    };
    // [1, 2] becomes [3, 7], [3, -4] becomes [7, -11]: the largest are [7, 7]
    expect(await answer(model, weights, [1, 2], [3, -4])).toEqual([707]);
  });

  it.each([
    ['the slope of LeakyReLU', layer('LeakyReLU', 'act', { negative_slope: 0.5 }), [-2, 4], [-1, 4]],
    ['silu', layer('Activation', 'act', { activation: 'silu' }), [0, 40], [0, 40]],
    [
      'an activation as an object',
      layer('Activation', 'act', { activation: { class_name: 'function', config: 'relu' } }),
      [-2, 4],
      [0, 4],
    ],
    [
      'a policy of halves',
      layer('ReLU', 'act', { dtype: { class_name: 'DTypePolicy', config: { name: 'mixed_float16' } } }),
      [-2, 4],
      [0, 4],
    ],
  ])('%s is read', async (_, act, row, expected) => {
    expect(await answer(sequential('s', input('in'), act), {}, row)).toEqual(expected);
  });

  it.each([
    ['GRU', layer('GRU', 'x', { units: 2 }), /compute GRU \("x"\)/],
    [
      'hard_sigmoid',
      layer('Activation', 'x', { activation: 'hard_sigmoid' }),
      /activation "hard_sigmoid" \("x"\)/,
    ],
    [
      'a slope of ReLU',
      layer('ReLU', 'x', { negative_slope: 0.1 }),
      /ReLU with negative_slope: 0\.1 \("x"\)/,
    ],
    ['BatchNormalization in front', layer('BatchNormalization', 'x', { axis: 1 }), /with axis: 1 \("x"\)/],
    ['a layer of the user', { ...dense('x', 1), module: 'mine' }, /compute Dense \("x"\)/],
    ['two of a name', sequential('inner', dense('in', 1)), /two layers are called "in"$/],
  ])('%s is refused with the reason', (_, refused, reason) => {
    const json = {
      modelTopology: topology(sequential('s', input('in'), refused)) as Record<string, unknown>,
      weightsManifest: [],
    };
    const error = caught(() => readableLayers('m/model.json', json));
    expect(error).toMatchObject({ code: 'MODEL_UNSUPPORTED', remedy: expect.stringContaining('ONNX') });
    expect(error.message).toMatch(/^m\/model\.json has layers of Keras 3\.7\.0, and \S/);
    expect(error.message).toMatch(reason);
  });

  it.each([
    ['a number', [kerasTensor(['in', 0]), 2], {}, /"x" takes more than tensors$/],
    ['the training form', [kerasTensor(['in', 0])], { training: true }, /"x" is called with training$/],
  ])('a call with %s is refused', (_, args, kwargs, reason) => {
    const called = { ...layer('Dropout', 'x', { rate: 0.5 }), inbound_nodes: [{ args, kwargs }] };
    const model = functional('f', ['in'], ['x', 0], input('in'), called);
    const json = { modelTopology: topology(model) as Record<string, unknown>, weightsManifest: [] };
    expect(caught(() => readableLayers('m', json)).message).toMatch(reason);
  });

  it('those of Keras 2 stay as they are', () => {
    const json = { modelTopology: { keras_version: '2.15.0', model_config: {} }, weightsManifest: [] };
    expect(readableLayers('m', json)).toBe(json);
  });
});

function caught(run: () => unknown): InflessError {
  try {
    run();
  } catch (error) {
    if (error instanceof InflessError) return error;
  }
  throw new Error('nothing was refused');
}
