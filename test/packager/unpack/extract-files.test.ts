import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Blob, bytesBlob } from '../../../packager/oci/blob.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { extractFiles } from '../../../packager/unpack/extract-files.ts';

let outside: string;
let into: string;
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'infless-unpack-'));
  into = join(outside, 'into');
  onTestFinished(() => rm(outside, { recursive: true, force: true }));
});

type TarFile = Partial<Header> & Pick<Header, 'name'>;

/** A tar as somebody else may have written it. */
async function tarOf(...entries: readonly TarFile[]): Promise<Buffer> {
  const writer = pack();
  for (const entry of entries) writer.entry({ ...entry }, entry.type === undefined ? entry.name : '');
  writer.finalize();
  return buffer(writer as unknown as AsyncIterable<Buffer>);
}

async function layerOf(...entries: readonly TarFile[]): Promise<Blob> {
  return bytesBlob(await tarOf(...entries), MEDIA_TYPES.layer);
}

const extracted = (layer: Blob) => extractFiles(layer, 'oci:images', 'model', into);
const written = () => readdir(outside, { recursive: true });

describe('a layer of files', () => {
  const ENTRIES = [
    { name: 'model/', type: 'directory' as const },
    { name: 'model/net.onnx' },
    { name: 'model/a/b.bin' },
  ];

  it.each([
    ['plain', MEDIA_TYPES.layer, (tar: Buffer) => tar],
    ['compressed by a tool on the way', MEDIA_TYPES.dockerLayerGzip, (tar: Buffer) => gzipSync(tar)],
    ['plain, though a tool on the way says it is not', MEDIA_TYPES.dockerLayerGzip, (tar: Buffer) => tar],
  ])('is unpacked, %s', async (_, mediaType, encode) => {
    await extracted(bytesBlob(encode(await tarOf(...ENTRIES)), mediaType));
    expect(await readFile(join(into, 'net.onnx'), 'utf8')).toBe('model/net.onnx');
    expect(await readFile(join(into, 'a/b.bin'), 'utf8')).toBe('model/a/b.bin');
    expect((await readdir(into, { recursive: true })).sort()).toEqual(['a', 'a/b.bin', 'net.onnx']);
  });
});

describe('a layer that means harm', () => {
  it.each([
    { name: 'model/../../evil' },
    { name: '../evil' },
    { name: '/etc/evil' },
    { name: 'model//evil' },
    { name: 'modelling/evil' },
    { name: 'model/link', type: 'symlink', linkname: '/etc' } as const,
    { name: 'model/link', type: 'link', linkname: '/etc/passwd' } as const,
    { name: 'model/pipe', type: 'fifo' } as const,
  ])('is refused: $name', async (entry) => {
    const layer = await layerOf({ name: 'model/net.onnx' }, entry, { name: 'model/link/evil' });
    await expect(extracted(layer)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining("among its model's files"),
    });
    expect((await written()).filter((name) => /evil|link|pipe/.test(name))).toEqual([]);
  });
});

describe('a layer that is damaged', () => {
  it('is told by its digest', async () => {
    const layer = await layerOf({ name: 'model/net.onnx' });
    const digest = `sha256:${createHash('sha256').update('other').digest('hex')}` as const;
    await expect(extracted({ ...layer, descriptor: { ...layer.descriptor, digest } })).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining('has digest'),
    });
  });

  it.each([
    ['is no tar', MEDIA_TYPES.layer, Buffer.alloc(2048, 'x')],
    ['is not compressed as it says', MEDIA_TYPES.layerGzip, Buffer.alloc(2048, 'x')],
  ])('%s', async (_, mediaType, bytes) => {
    await expect(extracted(bytesBlob(bytes, mediaType))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringMatching(/^sha256:\w+ of oci:images cannot be unpacked \(/),
    });
  });

  it('is compressed in a way that we cannot read', async () => {
    await expect(extracted(bytesBlob(Buffer.from('x'), MEDIA_TYPES.layerZstd))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
