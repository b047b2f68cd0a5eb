import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineSession, threadRule } from '../../../../models/engines/engine.ts';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import type { Tensor } from '../../../../models/manifest/tensor.ts';
import { node } from '../../../support/onnx-nodes.ts';
import {
  floatWeights,
  identityGraph,
  intWeights,
  LINEAR,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
} from '../../../support/tiny-models.ts';

let folder: ModelFolder;
const sessions: EngineSession[] = [];
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(async () => {
  for (const session of sessions) await session.close();
  await folder.remove();
});

async function open(graph: TinyGraph, cpuMillicores = 1000, gpuPercent = 0): Promise<EngineSession> {
  const path = await folder.write(`model-${sessions.length}.onnx`, graph);
  const manifest = await onnxEngine.inspect(path, 'tiny');
  const session = await onnxEngine.open({ path, manifest }, { cpuMillicores, gpuPercent });
  sessions.push(session);
  return session;
}

describe('the ONNX engine', () => {
  it('names its runtime and version', () => {
    expect(onnxEngine.version).toMatch(/^onnxruntime-node \d+\.\d+\.\d+$/);
  });

  it('runs a batch', async () => {
    const session = await open(LINEAR);
    const x: Tensor = { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 0, 0, 1, 1, 1) };
    expect(await session.run({ x })).toEqual({
      y: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 10, 6, 60) },
    });
  });

  it.each<Tensor>([
    { dtype: 'float64', shape: [1, 2], data: Float64Array.of(0.1, -1e300) },
    { dtype: 'float16', shape: [1, 2], data: Uint16Array.of(0x3c00, 0xfbff) },
    { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
    { dtype: 'uint64', shape: [1, 2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
    { dtype: 'bool', shape: [1, 2], data: Uint8Array.of(0, 1) },
    { dtype: 'string', shape: [1, 2], data: ['', 'zwölf 😀'] },
  ])('carries $dtype values unchanged', async (x) => {
    const session = await open(identityGraph(x.dtype, ['N', 2]));
    expect(await session.run({ x })).toEqual({ y: x });
  });

  it('refuses a text that the runtime would cut short', async () => {
    const session = await open(identityGraph('string', ['N', 1]));
    await expect(
      session.run({ x: { dtype: 'string', shape: [1, 1], data: ['a\0b'] } }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  const open2d = [tensorInfo('x', 'float32', ['N', 'L'])];
  it.each<[string, TinyGraph, string]>([
    [
      'a condition of the runtime',
      {
        inputs: open2d,
        outputs: [tensorInfo('y', 'float32', ['N', 'L'])],
        nodes: [node('Add', 'x w', 'y')],
        weights: [floatWeights('w', [2], [1, 2])],
      },
      'Add: Attempting to broadcast an axis by a dimension other than 1. 2 by 3',
    ],
    [
      'a place in its source',
      {
        inputs: open2d,
        outputs: [tensorInfo('y', 'float32', ['N', 1])],
        nodes: [node('MatMul', 'x w', 'y')],
        weights: [floatWeights('w', [2, 1], [1, 2])],
      },
      'MatMul: MatMul dimension mismatch',
    ],
    [
      'the signature of a function',
      {
        inputs: open2d,
        outputs: [tensorInfo('y', 'float32', ['', 5])],
        nodes: [node('Reshape', 'x s', 'y')],
        weights: [intWeights('s', [1, 5])],
      },
      'Reshape: The input tensor cannot be reshaped to the requested shape. Input shape:{1,3}, requested shape:{1,5}',
    ],
  ])('says what is wrong with the sizes of an input, without %s', async (_, graph, reason) => {
    const session = await open(graph);
    const x: Tensor = { dtype: 'float32', shape: [1, 3], data: new Float32Array(3) };
    await expect(session.run({ x })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `Model tiny does not take this input (${reason})`,
    });
  });

  it('blames the input for a wrong shape, and goes on', async () => {
    const session = await open(LINEAR);
    const wrong: Tensor = { dtype: 'float32', shape: [1, 4], data: new Float32Array(4) };
    await expect(session.run({ x: wrong })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.not.stringMatching(/\n/),
    });
    const right: Tensor = { dtype: 'float32', shape: [1, 3], data: new Float32Array(3) };
    await expect(session.run({ x: right })).resolves.toHaveProperty('y');
  });

  it('opens under the thread rule', async () => {
    expect(await open(LINEAR, 1500)).toMatchObject({ threads: 2, spinning: false });
  });

  it('does not pretend to have a GPU', async ({ skip }) => {
    if (existsSync('/proc/driver/nvidia/version')) skip('this machine has a GPU');
    await expect(open(LINEAR, 1000, 50)).rejects.toMatchObject({
      code: 'ACCELERATOR_UNAVAILABLE',
      sentence: expect.stringMatching(/^The cuda provider .* pip install|onnxruntime-gpu/),
    });
  });
});

describe('the thread rule', () => {
  it.each([
    [100, 1],
    [1000, 1],
    [1001, 2],
    [2000, 2],
    [3500, 4],
  ])('gives %i millicores %i threads', (cpuMillicores, threads) => {
    expect(threadRule(cpuMillicores)).toEqual({ threads, spinning: false });
  });
});
