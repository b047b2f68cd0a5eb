import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSession } from '../../../../models/engines/engine.ts';
import { BatchExecutor } from '../../../../models/engines/executor.ts';
import { tfjsEngine } from '../../../../models/engines/tfjs/engine.ts';
import { loadRuntime } from '../../../../models/engines/tfjs/runtime/runtime.ts';
import { generateInputs } from '../../../../models/manifest/inputs.ts';
import { canBatch } from '../../../../models/manifest/manifest.ts';
import { sliceRows } from '../../../../models/manifest/stacking.ts';
import type { Tensor } from '../../../../models/manifest/tensor.ts';
import {
  convNet,
  denseNet,
  graphInit,
  LINEAR_GRAPH,
  placeholder,
  randomWeights,
  type TfjsInit,
  type WriteOptions,
  writeTfjsModel,
} from '../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../support/tiny-models.ts';

const ONE_CORE = { cpuMillicores: 1000, gpuPercent: 0 };

let folder: ModelFolder;
const sessions: EngineSession[] = [];
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(async () => {
  for (const session of sessions) await session.close();
  await folder.remove();
});

async function open(init: TfjsInit, options?: WriteOptions): Promise<EngineSession> {
  const path = await writeTfjsModel(`${folder.path}/model-${sessions.length}`, init, options);
  const manifest = await tfjsEngine.inspect(path, 'tiny');
  const session = await tfjsEngine.open({ path, manifest }, ONE_CORE);
  sessions.push(session);
  return session;
}

function floats(shape: readonly number[], ...values: number[]): Tensor {
  return { dtype: 'float32', shape, data: Float32Array.from(values) };
}

async function answer(session: EngineSession, x: Tensor): Promise<number[]> {
  const outputs = await session.run({ [session.manifest.inputs[0]!.name]: x });
  return Array.from(outputs[session.manifest.outputs[0]!.name]!.data as Float32Array);
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-4): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) {
    expect(Math.abs(actual[index]! - value), `element ${index}`).toBeLessThanOrEqual(tolerance);
  }
}

function inputFor(session: EngineSession, batch: number): Tensor {
  return generateInputs(session.manifest, { batch })[session.manifest.inputs[0]!.name]!;
}

describe('the TF.js engine', () => {
  it('names its runtime and version', () => {
    expect(tfjsEngine.version).toMatch(/^tfjs-backend-wasm \d+\.\d+\.\d+$/);
  });

  it('runs dense layers as arithmetic says', async () => {
    const net = await denseNet();
    const session = await open(net.init);
    const x = inputFor(session, 3);
    expectClose(await answer(session, x), net.expected(Array.from(x.data as Float32Array)));
  });

  it('runs convolutions as arithmetic says', async () => {
    const net = await convNet();
    const session = await open(net.init);
    const x = inputFor(session, 2);
    expectClose(await answer(session, x), net.expected(Array.from(x.data as Float32Array)));
  });

  it.each(['dense', 'conv'])('answers a row of a %s batch as it answers it alone', async (kind) => {
    const session = await open((kind === 'dense' ? await denseNet() : await convNet()).init);
    expect(canBatch(session.manifest)).toBe(true);
    const rows = 40; // more than the 32 that a Keras-style `predict` would run at once
    const x = inputFor(session, rows);
    const together = await answer(session, x);
    const width = together.length / rows;
    for (const row of [0, 17, 39]) {
      const alone = await answer(session, sliceRows(x, 0, row, row + 1));
      expectClose(together.slice(row * width, (row + 1) * width), alone, 1e-5);
    }
  });

  it('shares a batch among requests', async () => {
    const session = await open((await denseNet()).init);
    const name = session.manifest.inputs[0]!.name;
    const requests = [1, 2, 3].map((seed) => generateInputs(session.manifest, { batch: 1, seed }));
    const { outcomes } = await new BatchExecutor(session, 8).run(requests);
    for (const [index, outcome] of outcomes.entries()) {
      if (!outcome.ok) throw outcome.error;
      const alone = await answer(session, requests[index]![name]!);
      expectClose(Array.from(Object.values(outcome.outputs)[0]!.data as Float32Array), alone, 1e-5);
    }
  });

  it('reads weights from many shards, in folders too', async () => {
    const { init } = await convNet();
    const whole = await open(init);
    const sharded = await open(init, { shardBytes: 100, shardFolder: 'weights' });
    const x = inputFor(whole, 2);
    expect(await answer(sharded, x)).toEqual(await answer(whole, x));
  });

  it('reads quantised weights', async () => {
    const { init, expected } = await denseNet();
    const weights = init.weights.map((weight) => ({ ...weight, quantised: true }));
    const session = await open({ ...init, weights });
    const x = inputFor(session, 2);
    expectClose(await answer(session, x), expected(Array.from(x.data as Float32Array)), 0.1);
  });

  it('takes and gives integers and flags', async () => {
    const session = await open(
      graphInit([
        placeholder('n', 'int32', [-1, 2]),
        { name: 'twice', op: 'AddV2', input: ['n', 'n'] },
        { name: 'same', op: 'Equal', input: ['n', 'twice'] },
        { name: 'y', op: 'Identity', input: ['twice'] },
        { name: 'zero', op: 'Identity', input: ['same'] },
      ]),
    );
    expect(await session.run({ n: { dtype: 'int32', shape: [1, 2], data: Int32Array.of(0, -7) } })).toEqual({
      y: { dtype: 'int32', shape: [1, 2], data: Int32Array.of(0, -14) },
      zero: { dtype: 'bool', shape: [1, 2], data: Uint8Array.of(1, 0) },
    });
  });

  it('calls inputs and outputs as the signature does', async () => {
    const session = await open(LINEAR_GRAPH);
    expect(await session.run({ image: floats([2, 3], 1, 0, 0, 1, 1, 1) })).toEqual({
      scores: floats([2, 2], 1, 10, 6, 60),
    });
  });

  it('runs operators that WebAssembly lacks', async () => {
    const left = randomWeights(5, 'left', [3, 2]);
    const session = await open(
      graphInit(
        [
          placeholder('x', 'float32', [-1, 3]),
          {
            name: 'product',
            op: 'Einsum',
            input: ['x', 'left'],
            attr: { equation: { s: Buffer.from('ij,jk->ik').toString('base64') }, N: { i: '2' } },
          },
          { name: 'y', op: 'Relu', input: ['product'] }, // goes on where the rest runs
        ],
        [left],
      ),
    );
    expect(canBatch(session.manifest)).toBe(true);
    const [a, b] = [0, 1].map((column) =>
      Math.max(
        0,
        [1, 2, 3].reduce((sum, x, row) => sum + x * left.values[row * 2 + column]!, 0),
      ),
    );
    for (let run = 0; run < 3; run += 1) {
      expectClose(await answer(session, floats([1, 3], 1, 2, 3)), [a!, b!], 1e-5);
    }
  });

  it('runs operators on element types that WebAssembly refuses', async () => {
    const session = await open(
      graphInit(
        [
          placeholder('n', 'int32', [-1, 3]),
          { name: 'product', op: 'MatMul', input: ['n', 'w'], attr: { transpose_a: { b: false } } },
          { name: 'y', op: 'Neg', input: ['product'] },
        ],
        [{ name: 'w', shape: [3, 2], dtype: 'int32', values: [1, 10, 2, 20, 3, 30] }],
      ),
    );
    const n: Tensor = { dtype: 'int32', shape: [2, 3], data: Int32Array.of(1, 1, 1, 0, 0, -2) };
    for (let run = 0; run < 3; run += 1) {
      expect(await session.run({ n })).toEqual({
        y: { dtype: 'int32', shape: [2, 2], data: Int32Array.of(-6, -60, 6, 60) },
      });
    }
  });

  it('runs graphs whose sizes depend on values', async () => {
    const session = await open(
      graphInit([
        placeholder('x', 'bool', [4]),
        { name: 'where', op: 'Where', input: ['x'] },
        { name: 'y', op: 'Identity', input: ['where'] },
      ]),
    );
    expect(canBatch(session.manifest)).toBe(false);
    for (const [flags, indices] of [
      [
        [0, 1, 0, 1],
        [1, 3],
      ],
      [
        [1, 1, 1, 0],
        [0, 1, 2],
      ],
    ] as const) {
      const { y } = await session.run({ x: { dtype: 'bool', shape: [4], data: Uint8Array.from(flags) } });
      expect(y).toEqual({ dtype: 'int32', shape: [indices.length, 1], data: Int32Array.from(indices) });
    }
  });

  it('blames the input for a wrong shape, and goes on', async () => {
    const session = await open(LINEAR_GRAPH);
    await expect(session.run({ image: floats([1, 4], 0, 0, 0, 0) })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'Input "image" has shape [1,4], the model takes [N,3]',
    });
    await expect(session.run({ image: floats([1, 3], 0, 0, 0) })).resolves.toHaveProperty('scores');
  });

  it('blames the input for an id that the model does not know', async () => {
    const table = randomWeights(3, 'table', [10, 2]);
    const session = await open(
      graphInit(
        [
          placeholder('ids', 'int32', [-1]),
          { name: 'y', op: 'GatherV2', input: ['table', 'ids', 'axis'], attr: { batch_dims: { i: '0' } } },
        ],
        [table, { name: 'axis', shape: [], dtype: 'int32', values: [0] }],
      ),
    );
    const ids = (...values: number[]): Tensor => ({
      dtype: 'int32',
      shape: [values.length],
      data: Int32Array.from(values),
    });
    await expect(session.run({ ids: ids(3, 10) })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'Model tiny does not take this input (GatherV2: the index value 10 is not in [0, 9])',
    });
    expect((await session.run({ ids: ids(9) })).y!.data).toEqual(Float32Array.from(table.values.slice(18)));
  });

  it('keeps nothing of a run, not of one that fails either', async () => {
    // A free length of which only 3 runs.
    const session = await open(
      graphInit(
        [
          placeholder('x', 'float32', [-1, -1]),
          { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: { transpose_a: { b: false } } },
        ],
        [randomWeights(1, 'w', [3, 2])],
      ),
    );
    const { core } = await loadRuntime(ONE_CORE);
    const run = (length: number) =>
      session.run({ x: { dtype: 'float32', shape: [1, length], data: new Float32Array(length) } });
    await run(3);
    const before = core.memory();
    for (let round = 0; round < 5; round += 1) {
      await run(3);
      await expect(run(5)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    expect(core.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });

  it('frees its weights when closed', async () => {
    const { core } = await loadRuntime(ONE_CORE);
    const before = core.memory().numBytes;
    const session = await open((await convNet()).init);
    expect(core.memory().numBytes).toBeGreaterThan(before);
    await sessions.pop()!.close();
    expect(session.manifest.name).toBe('tiny');
    expect(core.memory().numBytes).toBe(before);
  });

  it('has one thread, whatever the quota', async () => {
    expect(await open(LINEAR_GRAPH)).toMatchObject({ threads: 1, spinning: false });
  });

  it('says what it takes to run on a GPU', async () => {
    const { path, manifest } = { path: `${folder.path}/model-0/model.json`, manifest: sessions[0]!.manifest };
    await expect(
      tfjsEngine.open({ path, manifest }, { cpuMillicores: 1000, gpuPercent: 50 }),
    ).rejects.toMatchObject({
      code: 'ACCELERATOR_UNAVAILABLE',
      message: 'TF.js models need @tensorflow/tfjs-node-gpu to run on a GPU',
    });
  });
});
