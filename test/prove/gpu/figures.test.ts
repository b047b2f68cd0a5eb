import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { NamedTensors } from '../../../models/tensor.ts';
import { cudaFolders } from '../../../prove/gpu/cuda-folders.ts';
import { difference } from '../../../prove/gpu/difference.ts';
import { placementOf } from '../../../prove/gpu/placement.ts';

function tensors(...data: number[]): NamedTensors {
  return { y: { dtype: 'float32', shape: [data.length], data: Float32Array.from(data) } };
}

describe('difference', () => {
  it('is the largest one, as a share of the largest number', () => {
    expect(difference(tensors(1, -4, 2), tensors(1, -4, 2))).toBe(0);
    expect(difference(tensors(1, -4, 2), tensors(1.5, -4, 2))).toBeCloseTo(0.125);
  });

  it.each([
    ['another length', tensors(1, 2)],
    ['no number', tensors(1, Number.NaN, 2)],
    ['another output', { z: tensors(1, -4, 2).y! }],
  ])('is beyond measure for %s', (_, actual) => {
    expect(difference(tensors(1, -4, 2), actual)).toBe(Infinity);
  });
});

describe('placementOf', () => {
  const node = (op: string, provider: string, dur: number) => ({
    cat: 'Node',
    name: `${op}_kernel_time`,
    dur,
    ts: 0,
    args: { op_name: op, provider },
  });
  const run = [node('Conv', 'CUDAExecutionProvider', 90), node('Shape', 'CPUExecutionProvider', 10)];
  const end = { cat: 'Session', name: 'model_run', dur: 120, ts: 0 };

  it('counts nodes of one run by provider, and the share of the CPU, without the runs that warm up', () => {
    const cold = [node('Conv', 'CPUExecutionProvider', 5000)];
    const trace = JSON.stringify([...cold, end, ...run, end, ...run, end]);
    expect(placementOf(trace, 1)).toEqual({
      nodes: { CUDAExecutionProvider: 1, CPUExecutionProvider: 1 },
      cpuShare: 0.1,
      cpuOperators: ['Shape'],
    });
  });

  it('knows a session that ran nothing', () => {
    expect(placementOf('[]', 1)).toEqual({ nodes: {}, cpuShare: 0, cpuOperators: [] });
  });
});

describe('cudaFolders', () => {
  async function site(library: string): Promise<{ readonly virtual: string; readonly nvidia: string }> {
    const virtual = await mkdtemp(join(tmpdir(), 'infless-venv-'));
    onTestFinished(() => rm(virtual, { recursive: true }));
    const nvidia = join(virtual, 'lib/python3.12/site-packages/nvidia');
    for (const folder of ['cu13/lib', 'cudnn/lib']) await mkdir(join(nvidia, folder), { recursive: true });
    await writeFile(join(nvidia, 'cu13/lib', library), '');
    return { virtual, nvidia };
  }

  it('are all of the installation that has the CUDA runtime of the version', async () => {
    const { virtual, nvidia } = await site('libcudart.so.13');
    const folders = await cudaFolders('libcudart.so.13', { VIRTUAL_ENV: virtual, PATH: '' });
    expect(folders).toEqual([join(nvidia, 'cu13/lib'), join(nvidia, 'cudnn/lib')]);
  });

  it('are none of an installation of another version', async () => {
    const { virtual } = await site('libcudart.so.12');
    expect(await cudaFolders('libcudart.so.99', { VIRTUAL_ENV: virtual, PATH: '' })).toEqual([]);
  });
});
