import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { externalWeights } from '../../../../models/engines/onnx/external-weights.ts';
import { LINEAR, ModelFolder } from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

function kept(location: string) {
  return {
    dims: [1n],
    dataType: 1,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: 'offset', value: '4096' },
      { key: 'location', value: location },
      { key: 'length', value: '4' },
    ],
  };
}

async function weightsOf(model: MessageInitShape<typeof ModelProtoSchema>): Promise<readonly string[]> {
  return externalWeights(
    await folder.write('model.onnx', toBinary(ModelProtoSchema, create(ModelProtoSchema, model))),
  );
}

describe('the files that an ONNX model keeps weights in', () => {
  it('are none where the weights are in the model', async () => {
    expect(externalWeights(await folder.write('linear.onnx', LINEAR))).toEqual([]);
  });

  it('are told once each, in order, wherever in the model a tensor is', async () => {
    const branch = { name: 'then', initializer: [kept('branch.bin')] };
    const weights = await weightsOf({
      irVersion: 8n,
      producerName: 'x'.repeat(100_000), // beyond what is read at once
      graph: {
        name: 'main',
        initializer: [kept('w.bin'), { rawData: new Uint8Array(200_000) }, kept('w.bin')],
        sparseInitializer: [{ values: kept('sparse.bin'), indices: kept('indices.bin') }],
        node: [
          {
            opType: 'If',
            attribute: [{ name: 'then_branch', type: AttributeProto_AttributeType.GRAPH, g: branch }],
          },
          {
            opType: 'Constant',
            attribute: [
              { name: 'value', type: AttributeProto_AttributeType.TENSOR, t: kept('constant.bin') },
            ],
          },
        ],
      },
      functions: [{ name: 'f', node: [{ attribute: [{ name: 'v', tensors: [kept('function.bin')] }] }] }],
    });
    expect(weights).toEqual([
      'branch.bin',
      'constant.bin',
      'function.bin',
      'indices.bin',
      'sparse.bin',
      'w.bin',
    ]);
  });

  it('are found whatever else the model holds', async () => {
    const location = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const tensor = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((rawData) => ({ rawData, external: undefined })),
      location.map((external) => ({ rawData: undefined, external })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(tensor, { maxLength: 8 }), async (tensors) => {
        const initializer = tensors.map(({ rawData, external }) =>
          external === undefined ? { name: 't', rawData: rawData! } : kept(external),
        );
        const expected = new Set(tensors.flatMap(({ external }) => external ?? []));
        expect(new Set(await weightsOf({ graph: { name: 'g', initializer } }))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['cut off', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 7)],
    ['not protobuf at all', () => Buffer.from('PK\u0003\u0004 this is a zip')],
  ])('are not looked for in a file that is %s', async (_, damage) => {
    const whole = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { graph: { name: 'g', initializer: [kept('w.bin')] } }),
    );
    const path = await folder.write('damaged.onnx', damage(whole));
    expect(() => externalWeights(path)).toThrow(
      expect.objectContaining({ code: 'MODEL_CORRUPT', message: expect.stringContaining('damaged.onnx') }),
    );
  });

  it('end a search in a file nested without end', async () => {
    let graph: MessageInitShape<typeof ModelProtoSchema>['graph'] = { name: 'innermost' };
    for (let depth = 0; depth < 40; depth += 1)
      graph = { node: [{ attribute: [{ name: 'body', g: graph }] }] };
    await expect(weightsOf({ graph })).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
});
