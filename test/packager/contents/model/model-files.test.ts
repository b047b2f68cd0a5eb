import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelContent } from '../../../../models/engines/content.ts';
import { modelLayers } from '../../../../packager/contents/model/model-entries.ts';
import { modelFiles } from '../../../../packager/contents/model/model-files.ts';
import { LINEAR, ModelFolder } from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
});
afterEach(() => folder.remove());

function withWeightsIn(...locations: readonly string[]): Uint8Array {
  const initializer = locations.map((value) => ({ externalData: [{ key: 'location', value }] }));
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { name: 'g', initializer } }));
}

const pathsOf = ({ parts }: ModelContent) => parts.map(({ name }) => name);

describe('the files of a model', () => {
  it('are the model and its weights, in folders as well', async () => {
    const path = await folder.write('net.onnx', withWeightsIn('weights/b.bin', './a.bin'));
    await mkdir(join(folder.path, 'weights'));
    await folder.write('weights/b.bin', Buffer.from('bb'));
    await folder.write('a.bin', Buffer.from('a'));
    await folder.write('other.bin', Buffer.from('not asked for'));
    const files = await modelFiles(path);
    expect(pathsOf(files)).toEqual(['a.bin', 'net.onnx', 'weights/b.bin']);
    expect(files.entry).toMatchObject({ name: 'net.onnx', file: path });
    expect(files.parts[2]).toMatchObject({ sizeBytes: 2 });
  });

  it('are the shards of a TF.js model', async () => {
    const path = await folder.write(
      'model.json',
      Buffer.from(
        JSON.stringify({
          modelTopology: {},
          weightsManifest: [
            { paths: ['s1.bin', 's2.bin'], weights: [] },
            { paths: ['s1.bin'], weights: [] },
          ],
        }),
      ),
    );
    await folder.write('s1.bin', Buffer.from('1'));
    await folder.write('s2.bin', Buffer.from('2'));
    expect(pathsOf(await modelFiles(path))).toEqual(['model.json', 's1.bin', 's2.bin']);
  });

  it('are those that links lead to, as model hubs keep them', async () => {
    const path = await folder.write('net.onnx', withWeightsIn('w.bin'));
    const blob = await folder.write('blob-of-a-cache', Buffer.from('weights'));
    await symlink(blob, join(folder.path, 'w.bin'));
    const files = await modelFiles(path);
    expect(files.parts[1]).toMatchObject({ name: 'w.bin', sizeBytes: 7 });
    const [layer] = await modelLayers(files);
    expect(layer!.entries.map(({ type, path: at }) => [type, at])).toEqual([
      ['file', 'model/net.onnx'],
      ['file', 'model/w.bin'],
    ]);
  });

  it.each(['../w.bin', '/etc/passwd', 'a/../../w.bin', 'C:\\w.bin', '..\\w.bin', 'w\0.bin'])(
    'do not lie outside its folder: %j',
    async (location) => {
      const path = await folder.write('net.onnx', withWeightsIn(location));
      await expect(modelFiles(path)).rejects.toMatchObject({
        code: 'MODEL_CORRUPT',
        sentence: expect.stringContaining('outside its own folder'),
      });
    },
  );

  it('have to be there', async () => {
    const path = await folder.write('net.onnx', withWeightsIn('gone.bin'));
    await expect(modelFiles(path)).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      sentence: `Weights file ${join(folder.path, 'gone.bin')} of ${path} does not exist. Put all files of the model into one folder.`,
    });
    const missing = join(folder.path, 'missing.onnx');
    await expect(modelFiles(missing)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('are more where more is asked for', async () => {
    const path = await folder.write('net.onnx', LINEAR);
    await folder.write('labels.txt', Buffer.from('cat\ndog\n'));
    expect(pathsOf(await modelFiles(path, ['labels.txt', 'net.onnx']))).toEqual(['labels.txt', 'net.onnx']);
    await expect(modelFiles(path, ['../secrets'])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(modelFiles(path, ['nothing'])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('the layers of a model', () => {
  it('are one for each large file and one for the rest', async () => {
    const file = (name: string, sizeBytes: number) => ({ name, file: join(folder.path, name), sizeBytes });
    await folder.write('net.onnx', LINEAR);
    await folder.write('labels.txt', Buffer.from('cat'));
    await folder.write('huge.bin', Buffer.alloc(1));
    const net = file('net.onnx', 100);
    const parts = [file('huge.bin', 32 << 20), file('labels.txt', 3), net];
    const layers = await modelLayers({ entry: net, parts });
    expect(layers.map(({ title, entries }) => [title, entries.map(({ path }) => path)])).toEqual([
      ['model file huge.bin', ['model/huge.bin']],
      ['2 files of the model', ['model/labels.txt', 'model/net.onnx']],
    ]);
  });
});
