import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { identityGraph, LINEAR, ModelFolder } from '../../support/tiny-models.ts';

let folder: ModelFolder;
let path: string;
let manifest: ModelManifest;
beforeAll(async () => {
  folder = await ModelFolder.create();
  path = await folder.write('net.onnx', LINEAR);
  ({ manifest } = await resolveModel(path));
});
afterAll(() => folder.remove());

const described = (text: string) => folder.write('manifest.json', Buffer.from(text));

describe('a model that somebody has described', () => {
  it('is what the description says, unseen', async () => {
    const told = { ...manifest, name: 'told', digest: `sha256:${'0'.repeat(64)}` };
    const manifestFile = await described(JSON.stringify(told));
    expect(await resolveModel(path, { manifestFile })).toEqual({ path, manifest: told });
    expect((await resolveModel(path, { manifestFile, name: 'mine' })).manifest.name).toBe('mine');
  });

  it.each([
    ['of another model', () => JSON.stringify({ ...manifest, sizeBytes: 1 }), /describes one of 1$/],
    ['no description', () => '{"name": "net"}', /manifest\.json is not valid/],
    ['not JSON', () => '{', /manifest\.json is not JSON/],
  ])('is refused where the description is %s', async (_, text, message) => {
    const manifestFile = await described(text());
    await expect(resolveModel(path, { manifestFile })).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(message),
    });
  });

  it('has its rows where they were found then, and nowhere else', async () => {
    const free = { ...manifest.inputs[0]!, shape: [null, null], batchAxis: 0 };
    const manifestFile = await described(JSON.stringify({ ...manifest, inputs: [free] }));
    const along = (axis: number) => resolveModel(path, { manifestFile, like: { batchAxes: { '': axis } } });
    expect((await along(0)).manifest.inputs).toEqual([free]);
    await expect(along(1)).rejects.toThrow(/along axis 1 of input "x" was not tried when it was packed/);
  });

  it('has to be there, with its description', async () => {
    const manifestFile = await described(JSON.stringify(manifest));
    const missing = join(folder.path, 'missing');
    await expect(resolveModel(`${missing}.onnx`, { manifestFile })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
    await expect(resolveModel(path, { manifestFile: missing })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });

  it('is looked at itself where nobody has described it', async () => {
    const other = await folder.write('other.onnx', identityGraph('int64', ['N', 7]));
    expect((await resolveModel(other)).manifest.inputs[0]).toMatchObject({ shape: [null, 7] });
  });
});
