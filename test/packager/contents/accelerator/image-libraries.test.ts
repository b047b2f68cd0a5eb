import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImageLibraries } from '../../../../packager/contents/accelerator/image-libraries.ts';
import { neededLibraries } from '../../../../packager/contents/runtime/needed-libraries.ts';
import type { Blob } from '../../../../packager/oci/blob.ts';
import { MEDIA_TYPES } from '../../../../packager/oci/media-types.ts';
import { type Content, layerOf } from './elf-layers.ts';

let root: string;
let layers = 0;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'infless-image-libraries-'));
  vi.stubEnv('INFLESS_CACHE_DIR', join(root, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

async function layer(files: Readonly<Record<string, Content>>, compress = false): Promise<Blob> {
  layers += 1;
  return layerOf(join(root, `layer-${layers}`), files, compress);
}

async function imageOf(...all: readonly Blob[]): Promise<ImageLibraries> {
  const image = new ImageLibraries();
  for (const each of all) await image.addLayer(each, 'base');
  return image;
}

describe('the libraries of an image', () => {
  it('are read from its layers, compressed or not, with what they need', async () => {
    const image = await imageOf(
      await layer({
        'usr/lib/liba.so.1': { soname: 'liba.so.1', needed: ['libc.so.6'], runpath: '$ORIGIN' },
      }),
      await layer({ 'opt/libb.so': { needed: ['liba.so.1'] } }, true),
    );
    expect(await image.read('/usr/lib/liba.so.1')).toMatchObject({ needed: ['libc.so.6'] });
    expect(await neededLibraries(['/opt/libb.so'], image.loaderFolders, image)).toMatchObject([
      { name: 'liba.so.1', path: '/usr/lib/liba.so.1' },
      { name: 'libc.so.6', path: undefined },
    ]);
    expect(image.names).toEqual(['liba.so.1', 'libb.so']);
  });

  it('are found through links to files and folders, absolute and relative, but not round in a circle', async () => {
    const image = await imageOf(
      await layer({
        'usr/local/cuda-13.0/lib/libx.so.13.0.1': {},
        'usr/local/cuda-13.0/lib/libx.so.13': { target: 'libx.so.13.0.1' },
        'etc/alternatives/cuda': { target: '/usr/local/cuda-13.0' },
        'usr/local/cuda': { target: '../../etc/alternatives/cuda' },
        'usr/lib/libround.so': { target: 'libround.so' },
      }),
    );
    expect(await image.has('/usr/local/cuda/lib/libx.so.13')).toBe(true);
    expect(await image.has('/usr/local/cuda/lib/libx.so.12')).toBe(false);
    expect(await image.has('/usr/lib/libround.so')).toBe(false);
  });

  it('are where the loader is told to look, too', async () => {
    const image = await imageOf(
      await layer({ 'etc/ld.so.conf.d/cuda.conf': '# of CUDA\n/usr/local/cuda/lib64\n' }),
    );
    expect(image.loaderFolders[0]).toBe('/usr/local/cuda/lib64');
    expect(image.loaderFolders).toContain('/usr/lib/x86_64-linux-gnu');
  });

  it('do not include what a layer above has removed or replaced', async () => {
    const below = await layer({
      'a/libone.so': {},
      'b/libtwo.so': {},
      'b/libthree.so': {},
      'c/libfour.so': { needed: ['old.so'] },
    });
    const above = await layer({
      'a/.wh.libone.so': '',
      'b/.wh..wh..opq': '',
      'b/libthree.so': {},
      'c/libfour.so': { needed: ['new.so'] },
    });
    const image = await imageOf(below, above);
    expect(image.names.toSorted()).toEqual(['libfour.so', 'libthree.so']);
    expect((await image.read('c/libfour.so')).needed).toEqual(['new.so']);
  });

  it('are no linker scripts and texts that are called like libraries', async () => {
    const image = await imageOf(await layer({ 'usr/lib/libc.so': '/* GNU ld script */' }));
    expect(image.names).toEqual([]);
  });

  it('are read once: a layer that is known is not opened again', async () => {
    const blob = await layer({ 'usr/lib/liba.so.1': {} });
    await imageOf(blob);
    const open = vi.fn(() => {
      throw new Error('opened again');
    });
    expect((await imageOf({ ...blob, open })).names).toEqual(['liba.so.1']);
    expect(open).not.toHaveBeenCalled();
  });

  it('are not told of layers that we cannot decompress, or that are not what they should be', async () => {
    const blob = await layer({ 'usr/lib/liba.so.1': {} });
    const zstd = {
      ...blob,
      descriptor: {
        ...blob.descriptor,
        mediaType: MEDIA_TYPES.layerZstd,
        digest: `sha256:${'1'.repeat(64)}` as const,
      },
    };
    await expect(imageOf(zstd)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'The libraries of base cannot be listed: its layers are compressed with zstd',
    });
    const other = {
      ...blob,
      descriptor: { ...blob.descriptor, digest: `sha256:${'2'.repeat(64)}` as const },
    };
    await expect(imageOf(other)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });
});
