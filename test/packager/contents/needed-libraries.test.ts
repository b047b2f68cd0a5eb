import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOfDriver, packageOf } from '../../../packager/contents/runtime/cuda-packages.ts';
import { loaderFolders, neededLibraries } from '../../../packager/contents/runtime/needed-libraries.ts';
import { type ElfText, elfFile } from '../../support/elf-file.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'infless-needed-'));
});
afterAll(() => rmSync(root, { recursive: true }));

function library(path: string, text: ElfText = {}): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, elfFile(text));
  return file;
}

describe('neededLibraries', () => {
  it('finds what is needed in turn, beside the file, in its own folders, then in those given', async () => {
    const provider = library('engine/libonnxruntime_providers_cuda.so', {
      needed: ['libcublas.so.13', 'libcuda.so.1', 'libc.so.6'],
      runpath: '$ORIGIN/own',
    });
    const cublas = library('engine/own/libcublas.so.13', { needed: ['libcublasLt.so.13', 'libc.so.6'] });
    library('given/libcublas.so.13');
    const lt = library('given/libcublasLt.so.13', { needed: ['libc.so.6'] });
    library('given/libc.so.6');
    library('given/libcudnn.so.9', { needed: ['libz.so.1'] });
    const found = await neededLibraries([provider], [join(root, 'given')]);
    const byName = new Map(found.map((each) => [each.name, each]));
    expect(byName.get('libcublas.so.13')?.path).toBe(cublas);
    expect(byName.get('libcublasLt.so.13')).toMatchObject({ path: lt, neededBy: ['libcublas.so.13'] });
    expect(byName.get('libcuda.so.1')).toMatchObject({ path: undefined, isOfDriver: true });
    // The provider opens these while it runs; their own needs count as well.
    expect(byName.get('libcufft.so.12')).toMatchObject({ path: undefined, package: 'nvidia-cufft' });
    expect(byName.get('libz.so.1')).toMatchObject({ neededBy: ['libcudnn.so.9'], package: undefined });
    expect(byName.get('libc.so.6')?.neededBy).toEqual([
      'libonnxruntime_providers_cuda.so',
      'libcublas.so.13',
      'libcublasLt.so.13',
    ]);
  });

  it('takes libraries that are packed together for there, wherever they lie', async () => {
    const one = library('a/libone.so', { needed: ['libtwo.so'] });
    const two = library('b/libtwo.so');
    expect(await neededLibraries([one, two], [])).toMatchObject([{ name: 'libtwo.so', path: two }]);
  });

  it('goes round no circle', async () => {
    library('c/libb.so', { needed: ['liba.so'] });
    const a = library('c/liba.so', { needed: ['libb.so'], runpath: '$ORIGIN' });
    expect((await neededLibraries([a], [join(root, 'c')])).map(({ name }) => name)).toEqual([
      'libb.so',
      'liba.so',
    ]);
  });
});

describe('loaderFolders', () => {
  it('begins with those of the environment', async () => {
    const folders = await loaderFolders({ LD_LIBRARY_PATH: '/one::/two' });
    expect(folders.slice(0, 2)).toEqual(['/one', '/two']);
    expect(folders).toContain('/usr/lib');
  });
});

describe('packageOf', () => {
  it.each([
    ['libcublasLt.so.13', 'nvidia-cublas'],
    ['libcublas.so.12', 'nvidia-cublas-cu12'],
    ['libcudnn.so.9', 'nvidia-cudnn-cu13'],
    ['libcufft.so.12', 'nvidia-cufft'],
    ['libcufft.so.11', 'nvidia-cufft-cu12'],
    ['libcudart.so.13', 'nvidia-cuda-runtime'],
    ['libcudart.so.12', 'nvidia-cuda-runtime-cu12'],
    ['libcurand.so.10', 'nvidia-curand'],
    ['libnvrtc.so.13', 'nvidia-cuda-nvrtc'],
    ['libnvinfer.so.10', 'tensorrt'],
    ['libc.so.6', undefined],
  ])('of %s is %s', (name, expected) => {
    expect(packageOf(name)).toBe(expected);
  });

  it('knows the driver’s own', () => {
    expect(['libcuda.so.1', 'libnvidia-ml.so.1', 'libcudart.so.13'].map(isOfDriver)).toEqual([
      true,
      true,
      false,
    ]);
  });
});
