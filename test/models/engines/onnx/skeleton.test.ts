import { clearField, create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  AttributeProto_AttributeType,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skeletonOf } from '../../../../models/engines/onnx/skeleton.ts';
import { ModelFolder } from '../../../support/tiny-models.ts';

type ModelInit = MessageInitShape<typeof ModelProtoSchema>;

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const LARGE = 64 << 10;

/** A tensor that differs from all others of its size. */
function raw(sizeBytes: number, value: number): MessageInitShape<typeof TensorProtoSchema> {
  return { name: `w${value}`, dataType: 1, dims: [1n], rawData: new Uint8Array(sizeBytes).fill(value) };
}

function branch(then: ModelInit['graph']) {
  return { opType: 'If', attribute: [{ name: 'then', type: AttributeProto_AttributeType.GRAPH, g: then! }] };
}

/** Every tensor of the places that weights are in, in the order of the file. */
function tensorsOf({ graph }: Pick<ModelInit, 'graph'>): TensorProto[] {
  const nodes = graph!.node!.flatMap(({ attribute = [] }) =>
    attribute.flatMap(({ t, g }) => [...(t ? [t] : []), ...(g ? tensorsOf({ graph: g }) : [])]),
  );
  return [...nodes, ...graph!.initializer!] as TensorProto[];
}

/** The model with what was moved put back from where it is said to lie. */
function putBack(skeleton: Uint8Array, file: Uint8Array) {
  const model = fromBinary(ModelProtoSchema, skeleton);
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) continue;
    const told = Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value]));
    expect(told.location).toBe('net.onnx');
    const offset = Number(told.offset);
    tensor.rawData = Buffer.from(file.subarray(offset, offset + Number(told.length)));
    tensor.externalData = [];
    clearField(tensor, TensorProtoSchema.field.dataLocation);
  }
  return model;
}

/** By their bytes: matchers take seconds for arrays of this size. */
function expectSame(actual: ModelProto, expected: ModelProto): void {
  const [got, wanted] = [actual, expected].map((model) => toBinary(ModelProtoSchema, model));
  expect(Buffer.compare(got!, wanted!)).toBe(0);
}

async function skeletonFor(init: ModelInit) {
  const model = create(ModelProtoSchema, init);
  const bytes = toBinary(ModelProtoSchema, model);
  const skeleton = skeletonOf(await folder.write('net.onnx', bytes), 'net.onnx');
  return { model: fromBinary(ModelProtoSchema, bytes), bytes, skeleton };
}

describe('the skeleton of an ONNX model', () => {
  it('is small, and the model again with what lies in the file', async () => {
    const { model, bytes, skeleton } = await skeletonFor({
      irVersion: 8n,
      producerName: 'somebody',
      opsetImport: [{ version: 17n }],
      graph: {
        name: 'main',
        node: [
          branch({ name: 'then', initializer: [raw(LARGE, 1), raw(10, 2)] }),
          { opType: 'Constant', attribute: [{ name: 'value', t: raw(3 * LARGE, 3) }] },
        ],
        initializer: [raw(5 * LARGE, 4), raw(LARGE - 1, 5), raw(LARGE, 6)],
      },
      metadataProps: [{ key: 'k', value: 'v' }],
    });
    expect(bytes.byteLength).toBeGreaterThan(11 * LARGE);
    expect(skeleton.byteLength).toBeLessThan(LARGE + 1000);
    expectSame(putBack(skeleton, bytes), model);
  });

  it('takes floats for raw data where they lie as such, and leaves what is encoded', async () => {
    const floats = Float32Array.from({ length: LARGE }, (_, index) => index / 3);
    const { bytes, skeleton } = await skeletonFor({
      graph: {
        name: 'g',
        initializer: [
          { name: 'floats', dataType: 1, dims: [BigInt(LARGE)], floatData: [...floats] },
          { name: 'numbers', dataType: 7, dims: [BigInt(LARGE)], int64Data: new Array(LARGE).fill(7n) },
        ],
      },
    });
    const [moved, left] = tensorsOf(putBack(skeleton, bytes));
    expect(moved!.floatData).toEqual([]);
    expect(Buffer.compare(moved!.rawData, Buffer.from(floats.buffer))).toBe(0);
    expect(left!.int64Data).toHaveLength(LARGE);
  });

  it('leaves data that an encoder has cut into pieces', async () => {
    const whole = (value: number) =>
      toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { initializer: [raw(LARGE, value)] } }));
    // Two messages of one field, one after the other, are one message with both tensors; not so their data.
    const twice = Buffer.concat([whole(1), whole(2)]);
    const skeleton = skeletonOf(await folder.write('net.onnx', twice), 'net.onnx');
    expectSame(putBack(skeleton, twice), fromBinary(ModelProtoSchema, twice));
  });

  it('is right for models of any weights', async () => {
    const tensor = fc.record({
      size: fc.constantFrom(0, 1, 100, LARGE - 1, LARGE, LARGE + 7),
      inBranch: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(tensor, { maxLength: 5 }), async (tensors) => {
        const weights = tensors.map(({ size, inBranch }, index) => ({
          inBranch,
          proto: raw(size, index + 1),
        }));
        const inBranch = weights.filter((weight) => weight.inBranch).map(({ proto }) => proto);
        const initializer = weights.filter((weight) => !weight.inBranch).map(({ proto }) => proto);
        const { model, bytes, skeleton } = await skeletonFor({
          graph: { name: 'g', node: [branch({ name: 'b', initializer: inBranch })], initializer },
        });
        expectSame(putBack(skeleton, bytes), model);
      }),
      { numRuns: 40 },
    );
  });
});
