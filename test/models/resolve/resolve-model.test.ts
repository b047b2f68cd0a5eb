import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineFor, engineOf } from '../../../models/engines/index.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import {
  identityGraph,
  LINEAR,
  linearWeights,
  linearWithWeightsIn,
  ModelFolder,
} from '../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder.path, 'cache'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

describe('finding a model', () => {
  it('opens a file and names it after the file', async () => {
    const path = await folder.write('Linear.v2.onnx', LINEAR);
    const model = await resolveModel(path);
    expect(model).toMatchObject({ path, manifest: { name: 'Linear.v2', format: 'onnx' } });
    expect(await resolveModel(path, { name: 'other' })).toEqual({
      path,
      manifest: { ...model.manifest, name: 'other' },
    });
  });

  it('builds a zoo model on first use', async () => {
    const model = await resolveModel('mnist');
    expect(model.path.startsWith(join(folder.path, 'cache'))).toBe(true);
    expect(model.manifest).toMatchObject({ name: 'mnist', inputs: [{ batchAxis: 0 }] });
    expect(await resolveModel('mnist')).toEqual(model);
  });

  it('looks at a file again when it was replaced', async () => {
    const path = await folder.write('replaced.onnx', LINEAR);
    const before = await resolveModel(path);
    await folder.write('replaced.onnx', identityGraph('int64', ['N', 7]));
    const after = await resolveModel(path);
    expect(after.manifest.digest).not.toBe(before.manifest.digest);
    expect(after.manifest.inputs[0]).toMatchObject({ dtype: 'int64', shape: [null, 7] });
  });

  it('looks at a model again when only its weights were replaced', async () => {
    const path = await folder.write('graph.onnx', linearWithWeightsIn('w.data'));
    await folder.write('w.data', linearWeights());
    const before = await resolveModel(path);
    expect(await resolveModel(path)).toEqual(before);
    await folder.write('w.data', linearWeights(2));
    const after = await resolveModel(path);
    expect(after.manifest).toEqual({ ...before.manifest, digest: after.manifest.digest });
    expect(after.manifest.digest).not.toBe(before.manifest.digest);
    await folder.write('w.data', linearWeights());
    expect(await resolveModel(path)).toEqual(before);
  });

  it('looks again where the memory of a model is damaged', async () => {
    const path = await folder.write('remembered.onnx', LINEAR);
    const memories = join(folder.path, 'cache', 'manifests');
    const before = new Set(await readdir(memories));
    const model = await resolveModel(path);
    const [memory] = (await readdir(memories)).filter((name) => !before.has(name));
    for (const damaged of ['{', '{}', '']) {
      await writeFile(join(memories, memory!), damaged);
      expect(await resolveModel(path)).toEqual(model);
    }
  });

  it('says which models there are when the name is unknown', async () => {
    await expect(resolveModel('mobilnet')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      sentence: expect.stringMatching(/"mobilnet".*mobilenet/),
    });
  });

  it('says that a file is missing or of another kind', async () => {
    await expect(resolveModel('./no-such.onnx')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const text = join(folder.path, 'model.txt');
    await writeFile(text, 'x');
    await expect(resolveModel(text)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });
});

describe('a cache that cannot be written', () => {
  afterEach(() => {
    vi.stubEnv('INFLESS_CACHE_DIR', join(folder.path, 'cache'));
  });

  it('does not keep a model file from being opened', async () => {
    const notAFolder = join(folder.path, 'file');
    await writeFile(notAFolder, '');
    vi.stubEnv('INFLESS_CACHE_DIR', notAFolder);
    const path = await folder.write('uncached.onnx', LINEAR);
    await expect(resolveModel(path)).resolves.toMatchObject({ path });
    await expect(resolveModel('mnist')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('engines', () => {
  it('go by format', () => {
    expect(engineOf('a/Model.ONNX').format).toBe('onnx');
    expect(engineOf('a/model.json').format).toBe('tfjs');
    expect(() => engineOf('a/other.json')).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        remedy: 'Give an .onnx file or the model.json of a TF.js model.',
      }),
    );
    expect(() => engineFor('savedmodel')).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }));
  });
});
