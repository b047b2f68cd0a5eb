import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentOf, digestModel, nameByFile, sizeOfModel } from '../../../models/engines/content.ts';
import { engineOf } from '../../../models/engines/index.ts';
import { encodeTinyModel, LINEAR, ModelFolder } from '../../support/tiny-models.ts';

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
});
afterEach(() => folder.remove());

const content = (path: string) => contentOf(engineOf(path), path);

function withWeightsIn(...locations: readonly string[]): Uint8Array {
  const initializer = locations.map((value) => ({ externalData: [{ key: 'location', value }] }));
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { name: 'g', initializer } }));
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('a model of one file', () => {
  it('has the digest and the size of that file', async () => {
    const bytes = encodeTinyModel(LINEAR);
    const found = await content(await folder.write('net.onnx', bytes));
    expect(await digestModel(found)).toBe(`sha256:${sha256(bytes)}`);
    expect(sizeOfModel(found)).toBe(bytes.length);
  });
});

describe('an ONNX model with weights in files of their own', () => {
  it('has their bytes in its size, and another digest when one of them changes', async () => {
    const net = withWeightsIn('weights/b.bin', './a.bin', 'a.bin');
    const path = await folder.write('net.onnx', net);
    await mkdir(join(folder.path, 'weights'));
    await folder.write('weights/b.bin', Buffer.from('bb'));
    await folder.write('a.bin', Buffer.from('a'));
    const found = await content(path);
    const list = `${sha256('a')}  a.bin\n${sha256(net)}  net.onnx\n${sha256('bb')}  weights/b.bin\n`;
    const digest = await digestModel(found);
    expect(digest).toBe(`sha256:${sha256(list)}`);
    expect(sizeOfModel(found)).toBe(net.length + 3);
    await folder.write('a.bin', Buffer.from('c'));
    expect(await digestModel(await content(path))).not.toBe(digest);
    await rm(join(folder.path, 'a.bin'));
    await expect(content(path)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
});

it('a model is called like its file, or its folder where the file says nothing', () => {
  expect(nameByFile('/models/Net.v2.onnx')).toBe('Net.v2');
  expect(nameByFile('/models/resnet/model.onnx')).toBe('resnet');
  expect(nameByFile('/model.onnx')).toBe('model');
});
