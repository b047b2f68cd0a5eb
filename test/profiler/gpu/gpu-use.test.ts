import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { CellProcess } from '../../../profiler/cell/cell-process.ts';
import { GpuUse, gpuReader } from '../../../profiler/gpu/gpu-use.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';

const A100 = 'GPU-513536b6-7d19-9063-b049-1e69664bb298';

describe('what a GPU does while a cell is measured', () => {
  it('is its power and load, and the memory beyond what was used before', async () => {
    await FakeGpu.open('a100-535');
    const read = gpuReader(A100);
    const idle = await read();
    const readings = [
      idle,
      { ...idle!, usedMemoryBytes: 550 * 2 ** 20, powerWatts: 200, utilizationPercent: 80 },
    ];
    const use = await GpuUse.before(async () => readings.shift());
    use.start();
    expect(await use.stop()).toEqual({
      memoryBytes: 500 * 2 ** 20,
      powerWatts: 200,
      utilizationPercent: 80,
    });
  });

  it('leaves out what the driver does not tell', async () => {
    await FakeGpu.open('gtx-1070-ti');
    const use = await GpuUse.before(gpuReader('GPU-f9ba66fc-a7f5-94c5-da19-019ef2f9c665'));
    use.start();
    expect(await use.stop()).toEqual({ memoryBytes: 0, powerWatts: null, utilizationPercent: 0 });
  });

  it('is unknown where the driver falls silent', async () => {
    await FakeGpu.open();
    const use = await GpuUse.before(gpuReader(A100));
    use.start();
    expect(await use.stop()).toBeUndefined();
    expect(await use.stop()).toBeUndefined();
  });
});

it.skipIf(process.platform !== 'linux')(
  'the process of a cell starts with its share (needs /proc)',
  async () => {
    const cell = new CellProcess(60_000, { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '25' });
    try {
      await cell.ready();
      const environment = await readFile(`/proc/${cell.pid}/environ`, 'utf8');
      expect(environment.split('\0')).toContain('CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=25');
    } finally {
      await cell.kill();
    }
  },
);
