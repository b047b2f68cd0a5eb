import { AttributeProto_AttributeType as AttributeType, TensorProto_DataType } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import { withTensorOutputs } from '../../../../models/engines/onnx/tensor-outputs.ts';
import { type ClassName, canBatch } from '../../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../../models/manifest/tensor.ts';
import { body, node } from '../../../support/onnx-nodes.ts';
import {
  encodeTinyModel,
  floatWeights,
  LINEAR,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
  type ValueInfoInit,
} from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const FLOATS = { value: { case: 'tensorType' as const, value: { elemType: TensorProto_DataType.FLOAT } } };

/** A sequence of maps from class to score. */
function mapsInfo(name: string, keyType: TensorProto_DataType): ValueInfoInit {
  const maps = { value: { case: 'mapType' as const, value: { keyType, valueType: FLOATS } } };
  return { name, type: { value: { case: 'sequenceType', value: { elemType: maps } } } };
}

/** What exporters of classifiers write: scores, and a map of each row's. */
function classifier(...classes: readonly [ClassName, ClassName]): TinyGraph {
  const isText = typeof classes[0] === 'string';
  const labels = isText
    ? {
        name: 'classlabels_strings',
        type: AttributeType.STRINGS,
        strings: classes.map((text) => Buffer.from(`${text}`)),
      }
    : { name: 'classlabels_int64s', type: AttributeType.INTS, ints: classes.map(BigInt) };
  const keyType = isText ? TensorProto_DataType.STRING : TensorProto_DataType.INT64;
  return {
    ...LINEAR,
    domains: ['ai.onnx.ml'],
    nodes: [
      node('ZipMap', 'scores', 'probabilities', {}, 'ai.onnx.ml'),
      { opType: 'MatMul', input: ['x', 'w'], output: ['scores'] },
    ]
      .map((each) => (each.opType === 'ZipMap' ? { ...each, attribute: [labels] } : each))
      .reverse(),
    outputs: [tensorInfo('scores', 'float32', ['batch', 2]), mapsInfo('probabilities', keyType)],
  };
}

const X = { x: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 0, 0, 0, 1, 1) } } as const;

async function answers(path: string, feeds: NamedTensors): Promise<NamedTensors> {
  const manifest = await onnxEngine.inspect(path, 'tiny');
  const session = await onnxEngine.open({ path, manifest }, { cpuMillicores: 1000, gpuPercent: 0 });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

describe('an output that wraps scores into maps', () => {
  it.each([
    ['setosa', '__proto__'],
    [7, -1],
  ] as const)(
    'is the tensor of scores, with the classes %s and %s',
    async (...classes: [ClassName, ClassName]) => {
      const path = await folder.write(`classes-${classes[0]}.onnx`, classifier(...classes));
      const manifest = await onnxEngine.inspect(path, 'tiny');
      expect(manifest.outputs).toEqual([
        { name: 'scores', dtype: 'float32', shape: [null, 2], batchAxis: 0 },
        { name: 'probabilities', dtype: 'float32', shape: [null, 2], batchAxis: 0, classes: [...classes] },
      ]);
      expect(canBatch(manifest)).toBe(true);
      const { scores, probabilities } = await answers(path, X);
      expect(scores).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 10, 5, 50) });
      expect(probabilities).toEqual(scores);
    },
  );

  it('leaves other models as they are', async () => {
    expect(withTensorOutputs(await folder.write('linear.onnx', LINEAR))).toBeUndefined();
    const bytes = encodeTinyModel(classifier('a', 'b'));
    expect(
      withTensorOutputs(await folder.write('cut.onnx', bytes.subarray(0, bytes.length - 9))),
    ).toBeUndefined();
    expect(withTensorOutputs('/nowhere.onnx')).toBeUndefined();
  });
});

describe('other values that are no tensors', () => {
  it('are refused with the way round them', async () => {
    const sequence = { value: { case: 'sequenceType' as const, value: { elemType: FLOATS } } };
    const parts: TinyGraph = {
      ...LINEAR,
      outputs: [{ name: 'parts', type: sequence }],
      nodes: [node('SplitToSequence', 'x', 'parts', { axis: 1 })],
    };
    await expect(onnxEngine.inspect(await folder.write('parts.onnx', parts), 'tiny')).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/"parts" of .*parts\.onnx is a sequence/),
      remedy: expect.stringContaining('"zipmap": False'),
    });
    const optional = { value: { case: 'optionalType' as const, value: { elemType: FLOATS } } };
    const asked: TinyGraph = {
      inputs: [...LINEAR.inputs, { name: 'extra', type: optional }],
      outputs: [tensorInfo('y', 'float32', ['', ''])],
      nodes: [
        node('OptionalHasElement', 'extra', 'has'),
        {
          ...node('If', 'has', 'y', {
            then_branch: body(
              [node('OptionalGetElement', 'extra', 'given')],
              [tensorInfo('given', 'float32', ['', ''])],
            ),
            else_branch: body([node('Identity', 'x', 'same')], [tensorInfo('same', 'float32', ['', ''])]),
          }),
        },
      ],
      weights: [floatWeights('unused', [1], [0])],
    };
    await expect(onnxEngine.inspect(await folder.write('asked.onnx', asked), 'tiny')).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      sentence: expect.stringMatching(/"extra" of .* is optional.*always given/),
    });
  });
});

describe('names that objects have of their own', () => {
  it.each(['constructor', 'hasOwnProperty', '__proto__'])('%s is an input and an output', async (name) => {
    const x = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) } as const;
    const taken = await folder.write(`${name}-in.onnx`, {
      inputs: [tensorInfo(name, 'float32', ['N', 2])],
      outputs: [tensorInfo('y', 'float32', ['N', 2])],
      nodes: [node('Neg', name, 'y')],
    });
    expect(await answers(taken, Object.fromEntries([[name, x]]))).toMatchObject({
      y: { data: Float32Array.of(-1, -2) },
    });
    const given = await folder.write(`${name}-out.onnx`, {
      inputs: [tensorInfo('x', 'float32', ['N', 2])],
      outputs: [tensorInfo(name, 'float32', ['N', 2]), tensorInfo('same', 'float32', ['N', 2])],
      nodes: [node('Neg', 'x', name), node('Identity', name, 'same')],
    });
    const outputs = await answers(given, { x });
    expect(Object.keys(outputs)).toEqual([name, 'same']);
    expect(Object.entries(outputs)[0]![1].data).toEqual(Float32Array.of(-1, -2));
    expect((await onnxEngine.inspect(given, 'tiny')).outputs[0]).toEqual({
      name,
      dtype: 'float32',
      shape: [null, 2],
      batchAxis: 0,
    });
  });
});
