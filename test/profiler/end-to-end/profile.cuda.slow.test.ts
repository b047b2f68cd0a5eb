import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { readTable } from '../../../profiles/store.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';
import { type Finished, ProfileProcess } from './run-profile.ts';

const PRELOAD = pathToFileURL(join(packageRoot, 'test/support/cuda-by-cpu.mjs')).href;
const SMALL = ['mnist', '--cpus', '1', '--cell-time', '60ms', '--error', '20%', '--full'];

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-profile-cuda-'));
});
afterAll(() => rm(cache, { recursive: true }));

/** The CPU plays CUDA at the border of the native library, programs on the PATH the card. */
async function profile(args: readonly string[], cpuNodes = ''): Promise<Finished> {
  vi.stubEnv('NODE_OPTIONS', `--import=${PRELOAD}`);
  vi.stubEnv('INFLESS_FAKE_CPU_NODES', cpuNodes);
  return new ProfileProcess(cache, ...SMALL, ...args).finished();
}

describe('infless-profile where CUDA runs', { timeout: 60_000 }, () => {
  async function measured(args: readonly string[], cpuNodes = ''): Promise<ProfileTable> {
    const output = join(cache, 'table.json');
    const { code, stderr } = await profile([...args, '-o', output], cpuNodes);
    expect(`${code} ${code === 0 ? '' : stderr}`).toBe('0 ');
    return readTable(output);
  }

  it('measures shares, with what the card did, and says what ran where', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.stream('1034, 62.5, 70.00, 87, 1590, 5000, 0x4');
    const table = await measured(['--gpu', '0,50', '--batches', '1,8']);
    await fake.stream(undefined);
    expect(table.accelerator).toEqual({
      provider: 'cuda',
      gpu: 'Tesla T4',
      driverVersion: '515.105.01',
      cpuNodes: { share: 0, operators: [] },
    });
    expect(table.quota.gpuSharing).toBe('mps');
    const [onGpu] = table.cells.filter(({ gpuPercent }) => gpuPercent === 50);
    expect(onGpu).toMatchObject({
      gpu: { powerWatts: 62.5, smClockMhz: 1590, powerLimitWatts: 70, throttleReasons: ['sw_power_cap'] },
    });
    expect(onGpu!.yardstick).toBeUndefined();
    expect(table.cells.find(({ gpuPercent }) => gpuPercent === 0)!.yardstick).toBeDefined();
    const streams = (await fake.calls()).filter((call) => call.includes('-lms'));
    expect(streams).toHaveLength(1);
  });

  it('measures a slice under its exact share', async () => {
    const fake = await FakeGpu.open('a100-mig-510');
    await fake.list('GPU 0: A100 (UUID: GPU-x)\n  MIG 2g.10gb     Device  0: (UUID: MIG-two)\n');
    const table = await measured(['--gpu', '29', '--batches', '1']);
    expect(table.cells.map(({ gpuPercent }) => gpuPercent)).toEqual([200 / 7]);
    expect(table.quota.gpuSharing).toBe('mig');
  });

  it('refuses a model of which too much stays on the CPU, by the names of its operators', async () => {
    await FakeGpu.open('t4-515');
    const { code, stderr } = await profile(['--gpu', '100', '--batches', '1'], 'Conv');
    expect(stderr).toMatch(
      /error: The cuda provider leaves [\d.]+ % of a run of mnist to the CPU, where 2 % is allowed: Conv [\d.]+ %\. Allow it with --allow-fallback/,
    );
    expect(code).toBe(2);
  });

  it('measures it nevertheless where that is allowed, and the table says so', async () => {
    await FakeGpu.open('t4-515');
    const table = await measured(['--gpu', '100', '--batches', '1', '--allow-fallback'], 'Conv');
    const { cpuNodes } = table.accelerator!;
    expect(cpuNodes!.operators.map(({ operator }) => operator)).toEqual(['Conv']);
    expect(cpuNodes!.share).toBeGreaterThan(0.02);
  });

  it('allows none where it is to be strict', async () => {
    await FakeGpu.open('t4-515');
    const { code, stderr } = await profile(['--gpu', '100', '--batches', '1', '--strict'], 'Reshape');
    expect(stderr).toMatch(/to the CPU, where none is allowed: Reshape/);
    expect(code).toBe(2);
  });
});
