import { createHash } from 'node:crypto';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf, digestModel } from '../../../../models/engines/content.ts';
import { tfjsEngine } from '../../../../models/engines/tfjs/engine.ts';
import { loadRuntime } from '../../../../models/engines/tfjs/runtime/runtime.ts';
import { canBatch, type ModelManifest } from '../../../../models/manifest/manifest.ts';
import {
  convNet,
  graphInit,
  LINEAR_GRAPH,
  layersInit,
  placeholder,
  randomWeights,
  type TfjsInit,
  type WriteOptions,
  writeTfjsModel,
} from '../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

let count = 0;
function write(init: TfjsInit, options?: WriteOptions): Promise<string> {
  count += 1;
  return writeTfjsModel(join(folder.path, String(count)), init, options);
}

async function inspect(init: TfjsInit, options?: WriteOptions): Promise<ModelManifest> {
  return tfjsEngine.inspect(await write(init, options), 'tiny');
}

const shapes = (manifest: ModelManifest) =>
  [...manifest.inputs, ...manifest.outputs].map(({ name, shape, batchAxis }) => [name, shape, batchAxis]);

const digestAt = async (path: string) => digestModel(await contentOf(tfjsEngine, path));

/** A graph without weights, from the input `x` to the output `y`. */
function unary(op: string, attr: object, shape: readonly number[] | undefined = [-1, 3]): TfjsInit {
  return graphInit([placeholder('x', 'float32', shape), { name: 'y', op, input: ['x'], attr }]);
}

describe('inspecting a TF.js model', () => {
  it('tells name, format, size and element types of a graph', async () => {
    const path = await write(LINEAR_GRAPH);
    expect(await tfjsEngine.inspect(path, 'tiny')).toEqual({
      name: 'tiny',
      format: 'tfjs',
      digest: await digestAt(path),
      graphDigest: await tfjsEngine.graphDigest(path),
      sizeBytes: (await readFile(path)).length + 6 * 4,
      inputs: [{ name: 'image', dtype: 'float32', shape: [null, 3], batchAxis: 0 }],
      outputs: [{ name: 'scores', dtype: 'float32', shape: [null, 2], batchAxis: 0 }],
      batching: { state: 'proven', reason: expect.any(String) },
    });
  });

  it('tells the layers of inputs and outputs by their names', async () => {
    const init = await layersInit(({ input, layers, model }) => {
      const image = input({ shape: [4, 4, 1], name: 'image' });
      const hint = input({ shape: [2], name: 'hint' });
      const flat = layers.flatten().apply(image);
      const joined = layers.concatenate().apply([flat, hint] as never);
      const mood = layers.dense({ units: 3, name: 'mood' }).apply(joined);
      const age = layers.dense({ units: 1, name: 'age' }).apply(joined);
      return model({ inputs: [image, hint], outputs: [mood, age] as never });
    });
    expect(shapes(await inspect(init))).toEqual([
      ['image', [null, 4, 4, 1], 0],
      ['hint', [null, 2], 0],
      ['mood', [null, 3], 0],
      ['age', [null, 1], 0],
    ]);
  });

  it('takes no axis for the batch along which rows depend on each other', async () => {
    const manifest = await inspect(
      graphInit(
        [
          placeholder('x', 'float32', [-1, 3]),
          { name: 'y', op: 'Sum', input: ['x', 'axes'], attr: { keep_dims: { b: true } } },
        ],
        [{ name: 'axes', shape: [1], dtype: 'int32', values: [0] }],
      ),
    );
    expect(canBatch(manifest)).toBe(false);
  });

  it('accepts a fixed batch and says that it cannot batch', async () => {
    const manifest = await inspect(unary('Relu', {}, [4, 3]));
    expect(manifest.inputs[0]).toMatchObject({ shape: [4, 3], batchAxis: null });
    expect(canBatch(manifest)).toBe(false);
  });

  it('finds out element types that a graph does not declare', async () => {
    const manifest = await inspect(
      graphInit([
        placeholder('x', 'float32', [-1, 3]),
        { name: 'zero', op: 'ZerosLike', input: ['x'] },
        { name: 'y', op: 'Greater', input: ['x', 'zero'] },
      ]),
    );
    expect(manifest.outputs).toEqual([{ name: 'y', dtype: 'bool', shape: [null, null], batchAxis: 0 }]);
  });
});

describe('the digest of a TF.js model', () => {
  it('is that of the list of its files, as sha256sum prints it', async () => {
    const path = await write(LINEAR_GRAPH, { shardBytes: 10 });
    const files = ['group1-shard1of3.bin', 'group1-shard2of3.bin', 'group1-shard3of3.bin', 'model.json'];
    const lines = await Promise.all(
      files.map(async (name) => `${sha256(await readFile(join(path, '..', name)))}  ${name}\n`),
    );
    expect(await digestAt(path)).toBe(`sha256:${sha256(lines.join(''))}`);
  });

  it('goes by content alone', async () => {
    const path = await write(LINEAR_GRAPH, { shardBytes: 10 });
    const digest = await digestAt(path);
    expect(await digestAt(await write(LINEAR_GRAPH, { shardBytes: 10 }))).toBe(digest);
    const shard = join(path, '..', 'group1-shard2of3.bin');
    const bytes = await readFile(shard);
    bytes[0]! ^= 1;
    await writeFile(shard, bytes);
    expect(await digestAt(path)).not.toBe(digest);
  });
});

describe('what of TF.js cannot be inspected', () => {
  const inspectPath = (path: string) => tfjsEngine.inspect(path, 'tiny');

  it('tells a missing file', async () => {
    const path = join(folder.path, 'nowhere', 'model.json');
    await expect(inspectPath(path)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: `Model file ${path} does not exist`,
    });
    await expect(digestAt(path)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it.each([
    ['text', '<html>not found</html>', /^TF\.js model \S+ is not JSON \(.+\)$/],
    ['half a file', '{"format": "graph-model", "modelTop', /^TF\.js model \S+ is not JSON \(.+\)$/],
    ['something else', '{"name": "package"}', /^TF\.js model \S+ is not valid at "modelTopology": .+$/],
    ['an empty topology', '{"modelTopology": {}}', /^\S+ is not a whole TF\.js model \(.+\)$/],
  ])('%s is corrupt', async (_, text, message) => {
    const path = await write(LINEAR_GRAPH);
    await writeFile(path, text);
    await expect(inspectPath(path)).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(message),
    });
  });

  it('names the shard that is missing', async () => {
    const path = await write(LINEAR_GRAPH, { shardBytes: 10 });
    const shard = join(path, '..', 'group1-shard2of3.bin');
    await rm(shard);
    const message = `Weights file ${shard} of ${path} does not exist`;
    await expect(inspectPath(path)).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message });
    await expect(digestAt(path)).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message });
  });

  it.each([
    ['less', 20],
    ['more', 28],
  ])('sees weights with %s in them than declared', async (_, bytes) => {
    const path = await write(LINEAR_GRAPH);
    await truncate(join(path, '..', 'group1-shard1of1.bin'), bytes);
    await expect(inspectPath(path)).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: `Weights group1-shard1of1.bin of ${path} have ${bytes} bytes instead of 24`,
    });
  });

  it.each(['../other/weights.bin', '/etc/hostname', 'a/../../b.bin', '..\\b.bin', 'C:weights.bin'])(
    'reads no weights from %s',
    async (name) => {
      const path = await write(LINEAR_GRAPH);
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace('"group1-shard1of1.bin"', JSON.stringify(name)));
      const refusal = {
        code: 'MODEL_CORRUPT',
        message: `${path} keeps weights in "${name}", outside its own folder`,
      };
      await expect(inspectPath(path)).rejects.toMatchObject(refusal);
      await expect(digestAt(path)).rejects.toMatchObject(refusal);
    },
  );

  it('layers whose weights are of another model are corrupt', async () => {
    const { init } = await convNet();
    const weights = init.weights.map((weight) => ({ ...weight, name: `other/${weight.name}` }));
    await expect(inspect({ ...init, weights })).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(/^\S+ is not a whole TF\.js model \(.{10,160}\)$/),
    });
  });

  it.each([
    ['an unknown operator', unary('Frobnicate', {}), 'Frobnicate'],
    ['an operator that no backend has', unary('FFT', {}), 'complex'],
  ])('%s is named', async (_, init, what) => {
    await expect(inspect(init)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(new RegExp(`^Model tiny uses what .* cannot run here: .*${what}`)),
    });
  });

  it('an unknown layer is named', async () => {
    const { init } = await convNet();
    const topology = JSON.parse(
      JSON.stringify(init.modelTopology).replace('GlobalAveragePooling2D', 'Frobnicator'),
    ) as object;
    await expect(inspect({ ...init, modelTopology: topology })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('Frobnicator'),
    });
  });

  it.each([
    ['texts', placeholder('x', 'string', [-1]), 'takes texts'],
    ['anything', placeholder('x', 'float32', undefined), 'declares no shape'],
  ])('an input that takes %s is refused', async (_, input, why) => {
    const { core } = await loadRuntime({ cpuMillicores: 1000, gpuPercent: 0 });
    const { numTensors } = core.memory();
    await expect(
      inspect(graphInit([input, { name: 'y', op: 'Identity', input: ['x'] }], [randomWeights(1, 'w', [2])])),
    ).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(new RegExp(`^Input "x" of \\S+ ${why}$`)),
    });
    expect(core.memory().numTensors).toBe(numTensors); // nothing of it is kept
  });
});

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
