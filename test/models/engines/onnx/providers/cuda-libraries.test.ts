import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cudaEnvironment,
  cudaLibraries,
  cudaLibraryFolders,
} from '../../../../../models/engines/onnx/providers/cuda-libraries.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'infless-cuda-'));
  for (const file of [
    'venv/bin/python3',
    'venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13',
    'venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9',
    'venv/lib/python3.12/site-packages/nvidia/nccl/lib/libnccl.so.2',
    'venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcudart.so.13',
    'home/env/lib/python3.12/site-packages/nvidia/cuda_runtime/lib/libcudart.so.12',
    'home/env/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9',
    'wheels/nvidia/cublas/lib/libcublasLt.so.12',
    'toolkit/libcudart.so.13',
  ]) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
});
afterAll(() => rm(root, { recursive: true }));

const within = (folders: readonly string[]): string[] =>
  folders.filter((folder) => folder.startsWith(root)).map((folder) => folder.slice(root.length + 1));

const wheel = (name: string): string => `venv/lib/python3.12/site-packages/nvidia/${name}/lib`;

describe('folders with CUDA libraries', () => {
  it.each([
    ['on the path', () => ({ PATH: join(root, 'venv/bin') })],
    ['that is active', () => ({ VIRTUAL_ENV: join(root, 'venv') })],
    ['in PYTHONPATH', () => ({ PYTHONPATH: join(root, 'venv/lib/python3.12/site-packages') })],
  ])('are those of the wheels of a Python %s, without those of other libraries', (_, environment) => {
    expect(within(cudaLibraryFolders(environment()))).toEqual([wheel('cu13'), wheel('cudnn')]);
  });

  it.each([
    ['a folder of libraries', 'toolkit', 'toolkit'],
    ["Python's site-packages", 'wheels', 'wheels/nvidia/cublas/lib'],
    ['its folder nvidia', 'wheels/nvidia', 'wheels/nvidia/cublas/lib'],
  ])('may be named: %s', (_, named, expected) => {
    const environment = { INFLESS_CUDA_LIBRARIES: join(root, named), VIRTUAL_ENV: join(root, 'venv') };
    expect(within(cudaLibraryFolders(environment))).toEqual([expected, wheel('cu13'), wheel('cudnn')]);
  });

  it.skipIf(process.platform !== 'linux')('follow what the loader looks through already', () => {
    const environment = { LD_LIBRARY_PATH: '/own:/driver', VIRTUAL_ENV: join(root, 'venv') };
    const path = cudaEnvironment(environment).LD_LIBRARY_PATH!.split(':');
    expect(path.slice(0, 2)).toEqual(['/own', '/driver']);
    expect(within(path.slice(2))).toEqual([wheel('cu13'), wheel('cudnn')]);
  });

  it('are those of an installation that has the CUDA that is needed first, with all that it has', () => {
    const older = 'home/env/lib/python3.12/site-packages/nvidia';
    const environment = { VIRTUAL_ENV: join(root, 'venv'), HOME: join(root, 'home') };
    expect(within(cudaLibraryFolders(environment, 12))).toEqual([
      `${older}/cuda_runtime/lib`,
      `${older}/cudnn/lib`,
      wheel('cu13'),
      wheel('cudnn'),
    ]);
    expect(within(cudaLibraryFolders(environment, 13))[0]).toBe(wheel('cu13'));
  });

  it('tell which version of a library is where', () => {
    const found = cudaLibraries({ INFLESS_CUDA_LIBRARIES: join(root, 'wheels') });
    expect(found.get('libcublasLt.so.12')).toBe(join(root, 'wheels/nvidia/cublas/lib'));
  });
});
