import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { locateModel } from '../../../models/resolve/locate-model.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { encodeTinyModel, LINEAR, ModelFolder } from '../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder.path, 'cache'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 123456\n`;
const TFJS = '{"format":"graph-model","generatedBy":"2.11","modelTopology":{"node":[]},"weightsManifest":[]}';

/** A ZIP file with one empty file in it: a local header, the central directory, and its end. */
function zipOf(name: string): Buffer {
  const text = Buffer.from(name);
  const header = (mark: string, bytes: number, nameAt: number) => {
    const head = Buffer.alloc(bytes);
    head.write(mark, 'latin1');
    head.writeUInt16LE(text.length, nameAt);
    return Buffer.concat([head, text]);
  };
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  return Buffer.concat([header('PK\x03\x04', 30, 26), header('PK\x01\x02', 46, 28), end]);
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
const SAFETENSORS = Buffer.concat([bytes('\x10\0\0\0\0\0\0\0'), bytes('{"__metadata__":{}}')]);
const SAVED_MODEL = bytes('\x08\x01\x12\x8a\x01\x0a\x05\x0a\x03abc');

const REFUSED: readonly (readonly [file: string, content: string | Uint8Array, sentence: RegExp])[] = [
  ['zip.pt', zipOf('archive/data.pkl'), /PyTorch.*torch\.onnx\.export/],
  ['net.pth', bytes('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02'), /PyTorch.*torch\.onnx\.export/],
  ['disguised.onnx', zipOf('net/data.pkl'), /PyTorch.*torch\.onnx\.export/],
  ['net.safetensors', SAFETENSORS, /safetensors.*optimum-cli export onnx/],
  ['weights.onnx', SAFETENSORS, /safetensors/],
  ['net.h5', bytes('\x89HDF\r\n\x1a\n\0\0'), /HDF5.*tensorflowjs_converter --input_format=keras \S+net\.h5/],
  ['net.keras', zipOf('model.weights.h5'), /Keras 3.*export\("model\.onnx", format="onnx"\)/],
  ['net.tflite', bytes('\x1c\0\0\0TFL3\0\0'), /TensorFlow Lite.*tf2onnx\.convert --tflite \S+net\.tflite/],
  [
    'frozen.pb',
    bytes('\x0a\x12\x0a\x05input'),
    /frozen.*tf2onnx\.convert --graphdef \S+frozen\.pb.*--inputs/,
  ],
  ['saved.onnx', SAVED_MODEL, /SavedModel.*tf2onnx\.convert --saved-model/],
  ['pointer.onnx', POINTER, /Git LFS pointer.*git lfs pull/],
  ['pointer.pt', POINTER, /Git LFS pointer.*git lfs pull/],
  ['page.onnx', '\n<!DOCTYPE html>\n<title>404</title>', /web page/],
  ['missing.onnx', 'Entry not found\n', /no model, but the text "Entry not found"/],
  ['empty.onnx', '', /is empty\. Export or download it again/],
  ['sk.pkl', bytes('\x80\x04\x95\x10\0\0'), /pickle.*skl2onnx/],
  ['net.onnx.gz', bytes('\x1f\x8b\x08\0'), /gzip/],
  ['net.ort', bytes('\x1c\0\0\0ORTM\0\0'), /format of ONNX Runtime.*\.onnx file/],
  ['net.xml', '<?xml version="1.0"?>\n<net name="a" version="11">', /OpenVINO/],
  ['s3.onnx', '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>', /web page/],
  ['tf.onnx', TFJS, /Rename it: mv \S+tf\.onnx \S+model\.json/],
  ['net.gguf', 'GGUF\x03', /GGUF/],
  ['net.zip', zipOf('net/model.onnx'), /ZIP.*Unpack/],
  ['mobile.json', TFJS, /Rename it: mv \S+mobile\.json \S+model\.json/],
  ['group1-shard1of2.bin', bytes('\0\0\x80\x3f'), /weights of a TF\.js model.*model\.json/],
  ['net.onnx_data', bytes('\0\0\x80\x3f'), /weights of an ONNX model.*\.onnx file/],
  ['old.pb', encodeTinyModel(LINEAR), /Rename it: mv \S+old\.pb \S+old\.onnx/],
  ['net.bin', bytes('\x01\x02\x03\x04'), /looks like a PyTorch file/],
  ['notes.txt', 'x', /not a model file of a known format/],
];

describe('a file that is no model', () => {
  it.each(REFUSED)('%s gets the sentence that helps', async (name, content, sentence) => {
    const path = join(folder.path, name);
    await writeFile(path, content);
    await expect(locateModel(path)).rejects.toMatchObject({
      code: expect.stringMatching(/MODEL_(UNSUPPORTED|CORRUPT)/),
      sentence: expect.stringMatching(sentence),
    });
  });

  it('is told from a model that is not whole, and from any that is', async () => {
    const whole = encodeTinyModel(LINEAR);
    const cut = await folder.write('cut.onnx', whole.subarray(0, whole.length - 20));
    await expect(resolveModel(cut)).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      sentence: expect.stringMatching(/not a whole ONNX model.*Export or download/),
    });
    for (const irVersion of [1n, 3n, 10n]) {
      const model = create(ModelProtoSchema, { irVersion, producerName: 'TFL3', graph: { name: 'g' } });
      const path = await folder.write(`ir${irVersion}.onnx`, toBinary(ModelProtoSchema, model));
      await expect(locateModel(path)).resolves.toMatchObject({ path });
    }
  });
});

describe('a folder without a model', () => {
  const folderOf = async (name: string, files: Readonly<Record<string, string | Uint8Array>>) => {
    const path = join(folder.path, name);
    await mkdir(path);
    for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
    return path;
  };

  it.each([
    [
      'saved',
      { '.gitkeep': '', 'saved_model.pb': SAVED_MODEL },
      /SavedModel.*--saved-model \S+saved --output \S+saved\.onnx/,
    ],
    [
      'torch',
      { 'README.html': '<html>', 'config.json': '{}', 'pytorch_model.bin': zipOf('a/data.pkl') },
      /bin is a PyTorch/,
    ],
    ['tfjs', { 'group1-shard1of1.bin': '\0', 'web.json': TFJS }, /mv \S+web\.json/],
    ['nothing', { 'notes.txt': 'x' }, /has no model in it/],
  ] as const)('%s is told by what is in it', async (name, files, sentence) => {
    await expect(locateModel(await folderOf(name, files))).rejects.toMatchObject({
      sentence: expect.stringMatching(sentence),
    });
  });
});

it('weights that were never fetched are not a broken model', async () => {
  const initializer = [
    { name: 'w', dataType: 1, dims: [4n], externalData: [{ key: 'location', value: 'w.data' }] },
  ];
  const graph = { name: 'g', initializer };
  const path = await folder.write(
    'lfs.onnx',
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph })),
  );
  await folder.write('w.data', Buffer.from(POINTER));
  await expect(resolveModel(path)).rejects.toMatchObject({
    code: 'MODEL_CORRUPT',
    sentence: expect.stringMatching(/w\.data is a Git LFS pointer.*git lfs pull/),
  });
});
