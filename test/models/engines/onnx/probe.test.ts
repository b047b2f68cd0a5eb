import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { TensorProto_DataLocation } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectOnnx } from '../../../../models/engines/onnx/inspect.ts';
import { encodeTinyModel, ModelFolder, type TinyGraph, tensorInfo } from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const INPUTS = 4096;
const OUTPUTS = 2304;

/** y = softmax(x · W), over each row or over the batch, with 36 MiB of weights. */
function large(axis: bigint, opType = 'MatMul'): TinyGraph {
  const values = new Float32Array(INPUTS * OUTPUTS);
  for (let index = 0; index < values.length; index += 1) values[index] = ((index * 7919) % 1009) / 1e6;
  return {
    inputs: [tensorInfo('x', 'float32', ['N', INPUTS])],
    outputs: [tensorInfo('y', 'float32', ['N', OUTPUTS])],
    nodes: [
      { opType, input: ['x', 'w'], output: ['product'] },
      {
        opType: 'Softmax',
        input: ['product'],
        output: ['y'],
        attribute: [{ name: 'axis', type: 2, i: axis }],
      },
    ],
    weights: [
      {
        name: 'w',
        dims: [BigInt(INPUTS), BigInt(OUTPUTS)],
        dataType: 1,
        rawData: Buffer.from(values.buffer),
      },
    ],
  };
}

const axesOf = async (path: string) => {
  const { inputs, outputs } = await inspectOnnx(path, 'large');
  return [...inputs, ...outputs].map(({ shape, batchAxis }) => [shape, batchAxis]);
};
const BATCHED = [
  [[null, INPUTS], 0],
  [[null, OUTPUTS], 0],
];

describe('inspecting a model whose weights are large', () => {
  it('runs it on its own weights, also through a link', async () => {
    const path = await folder.write('rows.onnx', large(1n));
    expect(await axesOf(path)).toEqual(BATCHED);
    await mkdir(join(folder.path, 'hub'));
    const link = join(folder.path, 'hub', 'rows.onnx');
    await symlink(path, link);
    expect(await axesOf(link)).toEqual(BATCHED);
  });

  it('sees rows that depend on each other', async () => {
    const path = await folder.write('mixing.onnx', large(0n));
    expect((await inspectOnnx(path, 'mixing')).outputs[0]!.batchAxis).toBeNull();
  });

  it('finds weights in a file beside it', async () => {
    const graph = large(1n);
    const { rawData, ...kept } = graph.weights![0] as { rawData: Uint8Array };
    const externalData = [{ key: 'location', value: 'w.bin' }];
    const weights = [{ ...kept, dataLocation: TensorProto_DataLocation.EXTERNAL, externalData }];
    await folder.write('w.bin', rawData);
    expect(await axesOf(await folder.write('external.onnx', { ...graph, weights }))).toEqual(BATCHED);
  });

  it('says what is wrong in the words of small ones', async () => {
    const bytes = encodeTinyModel(large(1n));
    const cut = await folder.write('cut.onnx', bytes.subarray(0, bytes.byteLength - 1000));
    await expect(inspectOnnx(cut, 'cut')).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: `${cut} is not a whole ONNX model (field beyond its message)`,
    });
    const unknown = await folder.write('unknown.onnx', large(1n, 'Frobnicate'));
    await expect(inspectOnnx(unknown, 'unknown')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });
});
