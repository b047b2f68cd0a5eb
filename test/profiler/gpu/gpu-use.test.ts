import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { CellProcess } from '../../../profiler/cell/cell-process.ts';
import type { ComputeApp } from '../../../profiler/gpu/compute-apps.ts';
import { GpuUse } from '../../../profiler/gpu/gpu-use.ts';
import type { GpuSample } from '../../../profiler/gpu/smi-stream.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';

afterEach(() => void vi.useRealTimers());

const UUID = 'GPU-513536b6';
const A100 = 'GPU-513536b6-7d19-9063-b049-1e69664bb298';
const MIB = 2 ** 20;
const CELL = 4711;

const SAMPLE: Omit<GpuSample, 'atMs'> = {
  usedMemoryBytes: 50 * MIB,
  powerWatts: 100,
  powerLimitWatts: 400,
  utilizationPercent: 0,
  smClockMhz: 1400,
  memoryClockMhz: 1200,
  throttleBits: 0x1,
};

function app(pid: number, usedMemoryBytes: number | null, name = '/usr/bin/node'): ComputeApp {
  return { gpuUuid: UUID, pid, name, usedMemoryBytes };
}

/** A card that did this while the cell was measured, and that lists these processes. */
async function use(
  samples: readonly Partial<GpuSample>[],
  apps: readonly ComputeApp[] | undefined,
): ReturnType<GpuUse['stop']> {
  const kept: GpuSample[] = [{ ...SAMPLE, atMs: Date.now() }];
  const stream = {
    between: (fromMs: number, toMs: number) => kept.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs),
  };
  const gpuUse = await GpuUse.before({ uuid: UUID, stream, apps: async () => apps });
  await new Promise((resolve) => setTimeout(resolve, 2));
  gpuUse.start();
  kept.push(...samples.map((sample) => ({ ...SAMPLE, ...sample, atMs: Date.now() })));
  await new Promise((resolve) => setTimeout(resolve, 2));
  // the stream is past the end: nothing has to be waited for
  kept.push({ ...SAMPLE, atMs: Date.now() + 60_000 });
  return gpuUse.stop(CELL);
}

/** Without the time that is left to samples that may still come in. */
async function atOnce<T>(promise: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(1000);
  vi.useRealTimers();
  return promise;
}

describe('what a GPU does while a cell is measured', () => {
  it('is its power, load and clocks in the mean, and the memory of the process with its context', async () => {
    const samples = [
      { powerWatts: 200, utilizationPercent: 80 },
      { powerWatts: 300, utilizationPercent: 90, smClockMhz: 1300 },
    ];
    expect(await use(samples, [app(CELL, 700 * MIB), app(1, 30 * MIB, 'nvidia-cuda-mps-server')])).toEqual({
      memoryBytes: 700 * MIB,
      powerWatts: 250,
      utilizationPercent: 85,
      smClockMhz: 1350,
      memoryClockMhz: 1200,
      powerLimitWatts: 400,
      throttleReasons: [],
      otherProcesses: 0,
    });
  });

  it('is the memory beyond what was used before where processes are not told apart', async () => {
    const samples = [{ usedMemoryBytes: 550 * MIB }, { usedMemoryBytes: 400 * MIB }];
    expect(await use(samples, [])).toMatchObject({ memoryBytes: 500 * MIB, otherProcesses: 0 });
    expect(await use(samples, undefined)).toMatchObject({ memoryBytes: 500 * MIB, otherProcesses: null });
    expect(await use(samples, [app(CELL, null)])).toMatchObject({ memoryBytes: 500 * MIB });
  });

  it('are others on the card, but one where processes have other numbers, as in a container', async () => {
    expect(await use([{}], [app(CELL, MIB), app(9, MIB)])).toMatchObject({ otherProcesses: 1 });
    expect(await use([{}], [app(33, MIB)])).toMatchObject({ otherProcesses: 0 });
    expect(await use([{}], [app(33, MIB), app(34, MIB)])).toMatchObject({ otherProcesses: 1 });
    const elsewhere = { ...app(9, MIB), gpuUuid: 'GPU-other' };
    expect(await use([{}], [app(CELL, MIB), elsewhere])).toMatchObject({ otherProcesses: 0 });
  });

  it('are the reasons for a lower clock, by name', async () => {
    expect(await use([{ throttleBits: 0x4 }, { throttleBits: 0x40 }], [])).toMatchObject({
      throttleReasons: ['sw_power_cap', 'hw_thermal_slowdown'],
    });
  });

  it('is looked at before and after where the driver does not go on telling', async () => {
    const fake = await FakeGpu.open('a100-535');
    const source = { uuid: A100, stream: { between: () => [] }, apps: async () => undefined };
    const gpuUse = await GpuUse.before(source);
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    gpuUse.start();
    await fake.replace('<used>50 MiB</used>', '<used>550 MiB</used>');
    expect(await atOnce(gpuUse.stop(CELL))).toMatchObject({ memoryBytes: 500 * MIB, smClockMhz: null });
  });

  it('is unknown where the driver tells nothing', async () => {
    const stream = { between: () => [] };
    const source = { uuid: UUID, stream, apps: async () => undefined, look: async () => undefined };
    const gpuUse = await GpuUse.before(source);
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    gpuUse.start();
    expect(await atOnce(gpuUse.stop(CELL))).toBeUndefined();
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
