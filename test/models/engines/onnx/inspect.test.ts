import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InflessError } from '../../../../models/base/errors.ts';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import { canBatch, type ModelManifest, trusted } from '../../../../models/manifest/manifest.ts';
import { node } from '../../../support/onnx-nodes.ts';
import {
  encodeTinyModel,
  FIXED_BATCH,
  identityGraph,
  intWeights,
  LINEAR,
  ModelFolder,
  STATEFUL,
  type TinyGraph,
  tensorInfo,
  type ValueInfoInit,
} from '../../../support/tiny-models.ts';

function bfloat16(name: string): ValueInfoInit {
  return { name, type: { value: { case: 'tensorType', value: { elemType: 16, shape: { dim: [{}] } } } } };
}

function unranked(name: string): ValueInfoInit {
  return { name, type: { value: { case: 'tensorType', value: { elemType: 1 } } } };
}

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

let count = 0;
async function inspect(content: TinyGraph | Uint8Array): Promise<ModelManifest> {
  count += 1;
  return onnxEngine.inspect(await folder.write(`model-${count}.onnx`, content), 'tiny');
}

const shapes = (manifest: ModelManifest) =>
  [...manifest.inputs, ...manifest.outputs].map(({ name, shape, batchAxis }) => [name, shape, batchAxis]);

describe('inspecting an ONNX model', () => {
  it('tells name, format, size, digest and element types', async () => {
    const bytes = encodeTinyModel(LINEAR);
    expect(await inspect(bytes)).toEqual({
      name: 'tiny',
      format: 'onnx',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      graphDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      sizeBytes: bytes.length,
      inputs: [{ name: 'x', dtype: 'float32', shape: [null, 3], batchAxis: 0 }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2], batchAxis: 0 }],
      batching: { state: 'proven', reason: expect.any(String) },
    });
  });

  it('accepts a fixed batch and says that it cannot batch', async () => {
    const manifest = await inspect(FIXED_BATCH);
    expect(shapes(manifest)).toEqual([
      ['x', [4, 3], null],
      ['y', [4, 2], null],
    ]);
    expect(canBatch(manifest)).toBe(false);
  });

  it('finds the batch by its name where it is not the first axis', async () => {
    const manifest = await inspect(STATEFUL);
    expect(shapes(manifest)).toEqual([
      ['x', [null, 2], 0],
      ['state', [3, null, 2], 1],
      ['y', [null, 2], 0],
      ['next', [3, null, 2], 1],
    ]);
    expect(canBatch(manifest)).toBe(true);
  });

  it('finds a batch whose dimension has no name', async () => {
    expect(shapes(await inspect(identityGraph('float32', ['', 3])))).toEqual([
      ['x', [null, 3], 0],
      ['y', [null, 3], 0],
    ]);
  });

  it('follows the batch to the axis where the output really has it', async () => {
    const graph: TinyGraph = {
      ...identityGraph('float32', ['N', 3]),
      outputs: [tensorInfo('y', 'float32', ['', ''])],
      nodes: [{ opType: 'Transpose', input: ['x'], output: ['y'] }],
    };
    expect(shapes(await inspect(graph))).toEqual([
      ['x', [null, 3], 0],
      ['y', [3, null], 1],
    ]);
  });

  it('prefers the axis called batch to one that leads', async () => {
    const manifest = await inspect(identityGraph('float32', ['time', 'batch_size', 2]));
    expect(manifest.inputs[0]!.batchAxis).toBe(1);
    expect(manifest.outputs[0]!.batchAxis).toBe(1);
  });

  it('takes no axis for the batch along which rows depend on each other', async () => {
    const graph: TinyGraph = {
      ...identityGraph('float32', ['N', 3]),
      nodes: [
        { opType: 'Softmax', input: ['x'], output: ['y'], attribute: [{ name: 'axis', type: 2, i: 0n }] },
      ],
    };
    expect(canBatch(await inspect(graph))).toBe(false);
  });

  it('sees that a model which declares a free batch fails with two rows', async () => {
    const graph: TinyGraph = {
      inputs: [tensorInfo('x', 'float32', ['N', 3])],
      outputs: [tensorInfo('y', 'float32', ['N', 3])],
      nodes: [{ opType: 'Reshape', input: ['x', 'shape'], output: ['y'] }],
      weights: [intWeights('shape', [1, 3])],
    };
    expect(shapes(await inspect(graph))).toEqual([
      ['x', [1, 3], null],
      ['y', [1, 3], null],
    ]);
  });

  it('says of each output whether it has rows', async () => {
    const graph: TinyGraph = {
      inputs: [tensorInfo('x', 'float32', ['N', 3])],
      outputs: [tensorInfo('y', 'float32', ['N', 2]), tensorInfo('weights', 'float32', [3, 2])],
      nodes: [...LINEAR.nodes, { opType: 'Identity', input: ['w'], output: ['weights'] }],
      weights: LINEAR.weights!,
    };
    const manifest = await inspect(graph);
    expect(manifest.outputs.map(({ batchAxis }) => batchAxis)).toEqual([0, null]);
    expect(canBatch(manifest)).toBe(false);
  });

  it('believes the shapes of a model that answers at random', async () => {
    const graph: TinyGraph = {
      ...identityGraph('float32', ['N', 3]),
      nodes: [{ opType: 'RandomNormalLike', input: ['x'], output: ['y'] }],
    };
    expect(canBatch(await inspect(graph))).toBe(true);
  });

  it('believes a declaration that cannot be tried only where its user does', async () => {
    const graph: TinyGraph = {
      inputs: [tensorInfo('x', 'float32', ['N', 'length'])],
      outputs: [tensorInfo('y', 'float32', ['N', 1])],
      nodes: [node('Gather', 'x far', 'y', { axis: 1 })],
      weights: [intWeights('far', [20_000])], // no one would think of a length beyond that
    };
    const manifest = await inspect(graph);
    expect(manifest.batching).toMatchObject({
      state: 'declared',
      reason: expect.stringMatching(/^made-up inputs do not run \(.+\)$/),
    });
    expect(canBatch(manifest)).toBe(false);
    expect(shapes(manifest)).toEqual([
      ['x', [null, null], null],
      ['y', [null, 1], null],
    ]);
    expect(shapes(trusted(manifest))).toEqual([
      ['x', [null, null], 0],
      ['y', [null, 1], 0],
    ]);
  });

  it.each(['float64', 'float16', 'int8', 'uint8', 'int32', 'int64', 'uint64', 'bool', 'string'] as const)(
    'takes %s tensors',
    async (dtype) => {
      const manifest = await inspect(identityGraph(dtype, ['N', 2]));
      expect(manifest.inputs[0]).toMatchObject({ dtype, batchAxis: 0 });
      expect(manifest.outputs[0]).toMatchObject({ dtype, batchAxis: 0 });
    },
  );
});

describe('what cannot be inspected', () => {
  const whole = encodeTinyModel(LINEAR);
  it.each([
    ['text', new TextEncoder().encode('<html>not found</html>')],
    ['an empty file', new Uint8Array()],
    ['half a file', whole.subarray(0, whole.length / 2)],
  ])('%s is corrupt', async (_, bytes) => {
    await expect(inspect(bytes)).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(/^\S+\.onnx is not a whole ONNX model \(.+\)$/),
    });
  });

  it.each([
    ['an unknown operator', { ...LINEAR, nodes: [{ opType: 'Frobnicate', input: ['x'], output: ['y'] }] }],
    ['an opset of the future', { ...LINEAR, opset: 99n }],
    ['no inputs', { ...LINEAR, inputs: [], nodes: [{ opType: 'Identity', input: ['w'], output: ['y'] }] }],
  ])('%s is not supported', async (_, graph) => {
    await expect(inspect(graph)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  it.each<[string, TinyGraph, RegExp]>([
    ['a loose end', { ...LINEAR, weights: [] }, /^\S+ holds a graph that is not valid \(.+\)\.$/],
    [
      'texts where numbers belong',
      { ...identityGraph('string', ['N']), nodes: [{ opType: 'Relu', input: ['x'], output: ['y'] }] },
      /^\S+ holds a graph that is not valid \(Type Error: Type 'tensor\(string\)' of input parameter \(x\).+\)\.$/,
    ],
    [
      'an operator without a kernel for its type',
      {
        inputs: [tensorInfo('x', 'float64', ['N', 1, 4, 4]), tensorInfo('w', 'float64', [1, 1, 2, 2])],
        outputs: [tensorInfo('y', 'float64', ['N', 1, 3, 3])],
        nodes: [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }],
      },
      /for the element types in the model \(Could not find an implementation for Conv\(11\).+\)\. Export it with other types, such as float32\.$/,
    ],
    [
      'an opset of the future',
      { ...LINEAR, opset: 99n },
      /^\S+ needs opset 99, and this ONNX runtime knows those of ai\.onnx up to (\d+)\. Export it with opset \1 or an older one\.$/,
    ],
    [
      'an unknown operator',
      { ...LINEAR, nodes: [{ opType: 'Frobnicate', input: ['x'], output: ['y'] }] },
      /\(No Op registered for Frobnicate .+\)\. Export it again with standard operators\.$/,
    ],
    [
      'a locale that is not here',
      {
        ...identityGraph('string', ['N']),
        nodes: [node('StringNormalizer', 'x', 'y', { case_change_action: 'LOWER', locale: 'xx_YY.UTF-8' })],
      },
      /^\S+ works on text in the locale xx_YY\.UTF-8, which this machine does not have\. Install it, as with the command locale-gen xx_YY\.UTF-8\.$/,
    ],
    [
      'an element type that no request has',
      { ...identityGraph('float32', ['N']), inputs: [bfloat16('x')], outputs: [bfloat16('y')] },
      /^\S+ has inputs or outputs of element type bfloat16\. Export the model with tensors of these types: float32, /,
    ],
    [
      'an input without a rank',
      { ...identityGraph('float32', ['N']), inputs: [unranked('x')] },
      /^Input "x" of \S+ does not declare how many axes it has\. Export the model with the shapes of its inputs; sizes may be free\.$/,
    ],
  ])('says of %s what it is, and no more', async (_, graph, sentence) => {
    const error = await inspect(graph).catch((caught: InflessError) => caught);
    expect((error as InflessError).sentence).toMatch(sentence);
  });

  it('takes an input that is one value', async () => {
    expect(shapes(await inspect(identityGraph('float32', [])))).toEqual([
      ['x', [], null],
      ['y', [], null],
    ]);
  });

  it('a model that answers with a sequence is not supported', async () => {
    const elemType: ValueInfoInit = tensorInfo('', 'float32', ['N', 3]);
    const graph: TinyGraph = {
      ...LINEAR,
      outputs: [
        { name: 'y', type: { value: { case: 'sequenceType', value: { elemType: elemType.type! } } } },
      ],
      nodes: [{ opType: 'SequenceConstruct', input: ['x'], output: ['y'] }],
      weights: [],
    };
    await expect(inspect(graph)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/^"y" of .* is a sequence$/),
    });
  });

  it('keeps native noise out of the message', async () => {
    const error = await inspect({ ...LINEAR, opset: 99n }).catch((caught: Error) => caught);
    expect((error as Error).message).not.toMatch(/onnxruntime_src|std::|\n/);
    expect((error as Error).message.length).toBeLessThan(400);
  });

  it('tells a missing file and a folder from a broken one', async () => {
    const missing = join(folder.path, 'missing.onnx');
    await expect(onnxEngine.inspect(missing, 'm')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: `Model file ${missing} does not exist`,
    });
    await expect(onnxEngine.inspect(folder.path, 'm')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('names the weights file that is missing', async () => {
    const graph: TinyGraph = {
      ...LINEAR,
      weights: [
        {
          name: 'w',
          dims: [3n, 2n],
          dataType: 1,
          dataLocation: 1,
          externalData: [{ key: 'location', value: 'gone.bin' }],
        },
      ],
    };
    const path = await folder.write('external.onnx', graph);
    await rm(join(folder.path, 'gone.bin'), { force: true });
    await expect(onnxEngine.inspect(path, 'm')).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: `Weights file ${join(folder.path, 'gone.bin')} of ${path} does not exist`,
    });
  });
});
