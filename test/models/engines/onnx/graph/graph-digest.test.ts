import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxGraphDigest } from '../../../../../models/engines/onnx/graph/graph-digest.ts';
import {
  encodeTinyModel,
  floatWeights,
  intWeights,
  LINEAR,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
} from '../../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

let count = 0;
async function digest(model: TinyGraph | Uint8Array): Promise<string> {
  count += 1;
  return onnxGraphDigest(await folder.write(`net-${count}.onnx`, model));
}

const linear = (weights: readonly number[], columns = 2): TinyGraph => ({
  ...LINEAR,
  weights: [floatWeights('w', [3, columns], weights)],
});

/** y = x in another shape, which a constant of the file or of a node says. */
const reshape = (to: readonly number[], asNode = false): TinyGraph => ({
  inputs: [tensorInfo('x', 'float32', ['n', 6])],
  outputs: [tensorInfo('y', 'float32', ['a', 'b', 'c'])],
  nodes: [
    ...(asNode
      ? [
          {
            opType: 'Constant',
            output: ['s'],
            attribute: [{ name: 'value', type: 4, t: intWeights('', to) }],
          },
        ]
      : []),
    { opType: 'Reshape', input: ['x', 's'], output: ['y'] },
  ],
  weights: asNode ? [] : [intWeights('s', to)],
});

const resize = (scale: number): TinyGraph => ({
  inputs: [tensorInfo('x', 'float32', ['n', 1, 4, 4])],
  outputs: [tensorInfo('y', 'float32', ['n', 1, 'h', 'w'])],
  nodes: [{ opType: 'Resize', input: ['x', '', 'scales'], output: ['y'] }],
  weights: [floatWeights('scales', [4], [1, 1, scale, scale])],
});

describe('the digest of an ONNX graph', () => {
  it('is the same for other weights, and another for other shapes and operators', async () => {
    const one = await digest(linear([1, 10, 2, 20, 3, 30]));
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await digest(linear([6, 5, 4, 3, 2, 1]))).toBe(one);
    expect(await digest(linear([1, 2, 3], 1))).not.toBe(one);
    const other = {
      ...linear([6, 5, 4, 3, 2, 1]),
      nodes: [{ opType: 'Gemm', input: ['x', 'w'], output: ['y'] }],
    };
    expect(await digest(other)).not.toBe(one);
  });

  it('does not care who made the file', async () => {
    const bytes = encodeTinyModel(LINEAR);
    const model = fromBinary(ModelProtoSchema, bytes);
    model.producerName = 'somebody';
    model.docString = 'a net';
    model.metadataProps = [create(StringStringEntryProtoSchema, { key: 'trained', value: 'today' })];
    model.graph!.node[0]!.name = '/model/MatMul';
    expect(await digest(toBinary(ModelProtoSchema, model))).toBe(await digest(bytes));
  });

  it.each([false, true])(
    'counts the values that shapes follow from (constants as nodes: %s)',
    async (asNode) => {
      expect(await digest(reshape([-1, 2, 3], asNode))).toBe(await digest(reshape([-1, 2, 3], asNode)));
      expect(await digest(reshape([-1, 2, 3], asNode))).not.toBe(await digest(reshape([-1, 3, 2], asNode)));
    },
  );

  it('counts the scales of images', async () => {
    expect(await digest(resize(2))).not.toBe(await digest(resize(3)));
  });

  it('takes quantised biases for weights', async () => {
    const biased = (value: number): TinyGraph => ({
      inputs: [tensorInfo('x', 'float32', ['n', 1])],
      outputs: [tensorInfo('y', 'float32', ['n', 1])],
      nodes: [
        { opType: 'DequantizeLinear', input: ['b', 'scale'], output: ['bias'] },
        { opType: 'Add', input: ['x', 'bias'], output: ['y'] },
      ],
      weights: [
        { name: 'b', dims: [1n], dataType: 6, int32Data: [value] },
        floatWeights('scale', [], [value / 7]),
      ],
    });
    expect(await digest(biased(3))).toBe(await digest(biased(4)));
  });

  it('takes the coefficients of a linear classifier for weights', async () => {
    const classifier = (floats: number[]): TinyGraph => ({
      ...LINEAR,
      domains: ['ai.onnx.ml'],
      nodes: [
        {
          opType: 'LinearRegressor',
          domain: 'ai.onnx.ml',
          input: ['x'],
          output: ['y'],
          attribute: [{ name: 'coefficients', type: 6, floats }],
        },
      ],
    });
    expect(await digest(classifier([1, 2, 3]))).toBe(await digest(classifier([4, 5, 6])));
    expect(await digest(classifier([1, 2, 3]))).not.toBe(await digest(classifier([1, 2, 3, 4, 5, 6])));
  });

  it('says in one sentence that a file is no model', async () => {
    await expect(digest(Buffer.from('not a model at all'))).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
});
