import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateModel } from '../../../models/resolve/locate-model.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { LINEAR, ModelFolder } from '../../support/tiny-models.ts';

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
});
afterEach(() => folder.remove());

describe('finding a model', () => {
  it('names it after the file, and after the folder where the file says nothing', async () => {
    const path = await folder.write('Net.v2.onnx', LINEAR);
    expect(await locateModel(path)).toEqual({ path, name: 'Net.v2', folder: folder.path });
    await mkdir(join(folder.path, 'resnet'));
    const nameless = await folder.write('resnet/model.onnx', LINEAR);
    expect(await locateModel(nameless)).toMatchObject({ name: 'resnet' });
    const { path: file, manifest } = await resolveModel(join(folder.path, 'resnet'));
    expect([file, manifest.name]).toEqual([nameless, 'resnet']);
  });

  it('takes the only model of a folder, the one usually named, or the one that options name', async () => {
    await folder.write('a.onnx', LINEAR);
    expect(await locateModel(folder.path)).toMatchObject({ path: join(folder.path, 'a.onnx') });
    await folder.write('b.onnx', LINEAR);
    await expect(locateModel(folder.path)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringContaining('several models: a.onnx, b.onnx'),
    });
    expect(await locateModel(folder.path, 'b.onnx')).toMatchObject({ path: join(folder.path, 'b.onnx') });
    await writeFile(join(folder.path, 'model.json'), '{}');
    expect(await locateModel(folder.path)).toMatchObject({ path: join(folder.path, 'model.json') });
  });

  it('says what there is where there is no model', async () => {
    await expect(locateModel(folder.path)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const missing = join(folder.path, 'missing.onnx');
    await expect(locateModel(missing)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: `Model file ${missing} does not exist`,
    });
    await writeFile(join(folder.path, 'notes.txt'), 'x');
    await expect(locateModel(join(folder.path, 'notes.txt'))).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
    });
    await expect(locateModel('mobilnet')).rejects.toMatchObject({
      sentence: expect.stringContaining('mobilenet'),
    });
  });
});
