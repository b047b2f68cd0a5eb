import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Mps } from '../../../profiler/gpu/mps.ts';
import { openGpuShares, percentOfSlice } from '../../../profiler/gpu/shares.ts';
import { readGpus } from '../../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../../profiles/gpu/smi-xml.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';

const T4 = 'GPU-d37e67a5-91dd-3774-a5cb-99096249601a';

async function firstGpu(): Promise<SmiGpu> {
  const inventory = await readGpus();
  if ('absence' in inventory) expect.fail(inventory.absence);
  return inventory.report.gpus[0]!;
}

describe('shares by MPS', () => {
  it('start a daemon for this GPU, with folders of its own, and end it', async () => {
    const fake = await FakeGpu.open('t4-515');
    const shares = await openGpuShares(await firstGpu(), 0, [25, 100]);
    expect(shares.sharing).toBe('mps');
    const environment = shares.environmentFor(25);
    expect(environment).toMatchObject({
      CUDA_VISIBLE_DEVICES: T4,
      CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '25',
      CUDA_MPS_LOG_DIRECTORY: expect.stringContaining('infless-mps-'),
    });
    await shares.close();
    expect(await fake.calls()).toEqual([
      'nvidia-smi -q -x',
      `mps start on ${T4}, log folder given`,
      'mps quit',
    ]);
    expect(existsSync(dirname(environment.CUDA_MPS_PIPE_DIRECTORY!))).toBe(false);
  });

  it('use a daemon that already serves, and leave it running', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.serveMps();
    const shares = await openGpuShares(await firstGpu(), 0, [50]);
    expect(shares.environmentFor(50)).toEqual({
      CUDA_VISIBLE_DEVICES: T4,
      CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '50',
    });
    await shares.close();
    expect(await fake.calls()).toEqual(['nvidia-smi -q -x', 'mps get_server_list']);
  });

  it('end the daemon that killed processes left behind, and start another', async () => {
    const fake = await FakeGpu.open('t4-515');
    const { pid } = spawnSync('true');
    const folder = await fake.leaveMps([pid]);
    const shares = await openGpuShares(await firstGpu(), 0, [50]);
    expect((await fake.calls()).slice(1)).toEqual([
      'mps get_server_list',
      'mps quit',
      `mps start on ${T4}, log folder given`,
    ]);
    expect(shares.environmentFor(50).CUDA_MPS_PIPE_DIRECTORY).toBe(join(folder, 'pipe'));
    await shares.close();
    expect(existsSync(folder)).toBe(false);
  });

  it('are of the daemon that another process of ours holds, which stays', async () => {
    const fake = await FakeGpu.open('t4-515');
    const folder = await fake.leaveMps([process.ppid]);
    const shares = await openGpuShares(await firstGpu(), 0, [50]);
    await shares.close();
    expect((await fake.calls()).slice(1)).toEqual(['mps get_server_list']);
    expect(existsSync(join(folder, 'pipe', 'control'))).toBe(true);
  });

  it('stay with those that were said to need them when we let go', async () => {
    const fake = await FakeGpu.open('t4-515');
    const bystander = spawn('sleep', ['60']);
    const mps = await Mps.open([T4]);
    await mps.hold(bystander.pid!);
    await mps.close();
    expect(await fake.calls()).toEqual([`mps start on ${T4}, log folder given`]);
    bystander.kill('SIGKILL');
    await once(bystander, 'close');
    await (await Mps.open([T4])).close(); // the next one tidies up
    expect((await fake.calls()).filter((call) => call === 'mps quit')).toHaveLength(1);
  });

  it('limit the memory of a client', async () => {
    await FakeGpu.open('t4-515');
    const mps = await Mps.open([T4]);
    const environment = mps.environmentFor({ gpuUuid: T4, percent: 25, memoryLimitBytes: 1.5 * 2 ** 30 });
    expect(environment.CUDA_MPS_PINNED_DEVICE_MEM_LIMIT).toBe('0=1536M');
    await mps.close();
  });

  it('are not needed for the whole GPU', async () => {
    const fake = await FakeGpu.open('t4-515', { mps: false });
    const shares = await openGpuShares(await firstGpu(), 0, [100]);
    expect(shares.sharing).toBe('whole');
    expect(shares.environmentFor(100)).toEqual({ CUDA_VISIBLE_DEVICES: T4 });
    await shares.close();
    expect(await fake.calls()).toEqual(['nvidia-smi -q -x']);
  });
});

describe('shares of a partitioned GPU', () => {
  const LIST = [
    'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-27b94a00-ed54-5c24-b1fd-1054085de32a)',
    '  MIG 3g.20gb     Device  0: (UUID: MIG-one)',
    '  MIG 2g.10gb     Device  1: (UUID: MIG-two)',
    'GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-other)',
    '  MIG 1g.5gb      Device  0: (UUID: MIG-elsewhere)',
    '',
  ].join('\n');

  it('are its slices', async () => {
    const fake = await FakeGpu.open('a100-mig-510');
    await fake.list(LIST);
    const shares = await openGpuShares(await firstGpu(), 0, [29, 43]);
    expect(shares.sharing).toBe('mig');
    expect([29, 43].map((asked) => shares.exactPercent(asked))).toEqual([200 / 7, 300 / 7]);
    expect(shares.environmentFor(300 / 7)).toEqual({ CUDA_VISIBLE_DEVICES: 'MIG-one' });
    expect(shares.environmentFor(200 / 7)).toEqual({ CUDA_VISIBLE_DEVICES: 'MIG-two' });
    await shares.close();
    expect(await fake.calls()).toEqual(['nvidia-smi -q -x', 'nvidia-smi -L']);
  });

  it('are no other shares than those', async () => {
    const fake = await FakeGpu.open('a100-mig-510');
    await fake.list(LIST);
    await expect(openGpuShares(await firstGpu(), 0, [14])).rejects.toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        sentence:
          'NVIDIA A100-SXM4-40GB is partitioned, and none of its slices is 14 % of it. Ask for those that it has: --gpu 29,43.',
      }),
    );
  });

  it.each([
    ['1g.5gb', 100 / 7],
    ['3g.40gb', 300 / 7],
    ['7g.80gb', 100],
    ['1c.3g.20gb', 100 / 7],
    ['1g.10gb+me', 100 / 7],
    ['quarter', undefined],
  ])('%s of an A100 is %s %%, exactly', (profile, percent) => {
    expect(percentOfSlice(profile, 'NVIDIA A100-SXM4-40GB')).toBe(percent);
  });

  it('are fourths of an A30', () => {
    expect(percentOfSlice('1g.6gb', 'NVIDIA A30')).toBe(25);
    expect(percentOfSlice('4g.24gb', 'NVIDIA A30')).toBe(100);
  });
});

describe('a GPU that cannot be shared', () => {
  it('is one without a UUID, or where nobody may compute', async () => {
    await FakeGpu.open('k80-410');
    const k80 = await firstGpu();
    await expect(openGpuShares(k80, 0, [50])).rejects.toThrow('Tesla K80 accepts no processes');
    const prohibited = { ...k80, uuid: 'GPU-1', computeMode: 'Prohibited' };
    await expect(openGpuShares(prohibited, 0, [50])).rejects.toThrow('accepts no processes');
  });
});
