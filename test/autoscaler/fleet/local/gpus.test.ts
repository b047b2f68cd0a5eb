import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalGpus } from '../../../../autoscaler/fleet/local/gpus.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import { FakeGpu } from '../../../support/fake-gpu.ts';

const T4 = 'GPU-d37e67a5-91dd-3774-a5cb-99096249601a';
const GIB = 2 ** 30;

interface Detected {
  readonly gpus: LocalGpus;
  readonly notes: string[];
  readonly clock: VirtualClock;
}

async function detect(unusable?: { what: string; remedy: string }): Promise<Detected> {
  const notes: string[] = [];
  const clock = new VirtualClock();
  const gpus = await LocalGpus.detect({
    clock,
    note: (text) => notes.push(text),
    tryEngine: async () => ({ name: 'cuda', ...(unusable === undefined ? {} : { unusable }) }),
  });
  return { gpus, notes, clock };
}

const LIST = [
  'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-27b94a00-ed54-5c24-b1fd-1054085de32a)',
  '  MIG 3g.20gb     Device  0: (UUID: MIG-one)',
  '  MIG 2g.10gb     Device  1: (UUID: MIG-two)',
  '',
].join('\n');

async function percentsOf(gpus: LocalGpus): Promise<number[]> {
  return (await gpus.devices()).map(({ gpuPercent }) => gpuPercent);
}

describe('the GPUs of this machine', () => {
  it('are none where there is no driver, and nothing is said of it', async () => {
    await FakeGpu.open();
    const { gpus, notes } = await detect();
    expect(await percentsOf(gpus)).toEqual([]);
    expect(notes).toEqual([]);
  });

  it('are cards, each whole', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.cards('t4-515', ['GPU-a', 'GPU-b']);
    const { gpus } = await detect();
    expect(await percentsOf(gpus)).toEqual([100, 100]);
    expect(gpus.indexOf(gpus.slotAt(1).uuid)).toBe(1);
    const [card] = await gpus.devices();
    expect(card!.gpuMemoryBytes).toBe(gpus.slotAt(0).memoryBytes);
    expect((await gpus.devices()).map(({ sharing }) => sharing)).toEqual(['mps', 'mps']);
  });

  it('are slices of a partitioned card, each for one process', async () => {
    const fake = await FakeGpu.open('a100-mig-510', { mps: false });
    await fake.list(LIST);
    const { gpus } = await detect();
    expect(await gpus.devices()).toMatchObject([
      { gpuPercent: 300 / 7, sharing: 'mig' },
      { gpuPercent: 200 / 7, sharing: 'mig' },
    ]);
    const slot = gpus.slotAt(1);
    const environment = await gpus.environmentFor({ slot, percent: 200 / 7, memoryBytes: undefined }, []);
    expect(environment).toMatchObject({ CUDA_VISIBLE_DEVICES: 'MIG-two' });
    expect(environment).not.toHaveProperty('CUDA_MPS_ACTIVE_THREAD_PERCENTAGE');
  });

  it('are none where the engine cannot compute on them, and it is said why', async () => {
    await FakeGpu.open('t4-515');
    const { gpus, notes } = await detect({ what: 'It lacks cuDNN', remedy: 'Install it.' });
    expect(await percentsOf(gpus)).toEqual([]);
    expect(notes).toEqual(['The GPUs of this machine are not used: It lacks cuDNN. Install it.']);
  });

  it('keep their places when one is lost, and when it is back', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.cards('t4-515', ['GPU-a', 'GPU-b']);
    const { gpus, notes, clock } = await detect();
    await fake.cards('t4-515', ['GPU-b']);
    expect(await percentsOf(gpus)).toEqual([100, 100]); // not looked yet
    clock.runUntil(clock.nowMs() + 30_000);
    expect(await percentsOf(gpus)).toEqual([0, 100]);
    expect(() => gpus.slotAt(0)).toThrow('There is no GPU 0 here');
    expect(gpus.slotAt(1).percent).toBe(100);
    await fake.cards('t4-515', ['GPU-a', 'GPU-b']);
    clock.runUntil(clock.nowMs() + 30_000);
    expect(await percentsOf(gpus)).toEqual([100, 100]);
    expect(notes).toEqual(['GPU-a is lost: nothing is started on it.', 'GPU-a is back.']);
  });

  it('are all lost when the driver does not answer any more', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.cards('t4-515', ['GPU-a', 'GPU-b']);
    const { gpus, clock } = await detect();
    await writeFile(join(fake.directory, 'smi.xml'), '');
    clock.runUntil(clock.nowMs() + 30_000);
    expect(await percentsOf(gpus)).toEqual([0, 0]);
  });
});

describe('what cards do', () => {
  it('is told by one program of the driver that runs on, of all cards, and by none after the end', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.stream(`${T4}, 1034, 62.5, 70.00, 87, 1980, 2619, 0x0`);
    const { gpus } = await detect();
    while (gpus.readings().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const reading = {
      uuid: T4,
      utilizationPercent: 87,
      usedMemoryBytes: 1034 * 2 ** 20,
      powerWatts: 62.5,
    };
    expect(gpus.readings()).toEqual([reading]);
    const queries = (await fake.calls()).filter((call) => call.includes('-lms'));
    expect(queries).toHaveLength(1);
    expect(queries[0]).toMatch(/--query-gpu=timestamp,uuid,memory\.used,.*-lms 5000$/);
    await gpus.close();
    expect(gpus.readings()).toEqual([]);
  });

  it('is nothing where there is no card', async () => {
    const fake = await FakeGpu.open();
    const { gpus } = await detect();
    expect(gpus.readings()).toEqual([]);
    expect((await fake.calls()).filter((call) => call.includes('-lms'))).toEqual([]);
  });
});

describe('a share of a GPU', () => {
  it('is held by MPS, with a limit of its memory; the daemon ends with the last one', async () => {
    const fake = await FakeGpu.open('t4-515');
    const { gpus, notes } = await detect();
    const share = { slot: gpus.slotAt(0), percent: 25, memoryBytes: 2 * GIB };
    expect(await gpus.environmentFor(share, [])).toMatchObject({
      CUDA_VISIBLE_DEVICES: T4,
      CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '25',
      CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=3584M',
      CUDA_MPS_PIPE_DIRECTORY: expect.stringContaining('infless-mps-'),
    });
    await gpus.environmentFor({ ...share, percent: 50 }, [share]);
    expect((await fake.calls()).filter((call) => call.startsWith('mps start'))).toHaveLength(1);
    await gpus.close();
    expect(await fake.calls()).toContain('mps quit');
    expect(notes).toEqual([]);
  });

  it('is the whole card without a daemon where it is alone', async () => {
    const fake = await FakeGpu.open('t4-515');
    const { gpus } = await detect();
    const whole = { slot: gpus.slotAt(0), percent: 100, memoryBytes: undefined };
    expect(await gpus.environmentFor(whole, [])).toMatchObject({ CUDA_VISIBLE_DEVICES: T4 });
    expect((await fake.calls()).filter((call) => call.startsWith('mps'))).toEqual([]);
    await gpus.close();
  });

  it('is a turn with others where there is no MPS, and that is said once', async () => {
    await FakeGpu.open('t4-515', { mps: false });
    const { gpus, notes } = await detect();
    const share = { slot: gpus.slotAt(0), percent: 50, memoryBytes: undefined };
    for (const others of [[], [share]]) {
      const environment = await gpus.environmentFor(share, others);
      expect(environment).not.toHaveProperty('CUDA_MPS_ACTIVE_THREAD_PERCENTAGE');
    }
    expect(notes).toEqual([
      'The GPU cannot be shared by MPS here (nvidia-cuda-mps-control is not installed): instances on one GPU take turns, and nothing holds them to their shares.',
    ]);
  });

  it('is refused beside another where the card takes one process and there is no MPS', async () => {
    const fake = await FakeGpu.open('t4-515', { mps: false });
    await fake.replace('<compute_mode>Default<', '<compute_mode>Exclusive_Process<');
    const { gpus } = await detect();
    const share = { slot: gpus.slotAt(0), percent: 50, memoryBytes: undefined };
    await expect(gpus.environmentFor(share, [])).resolves.toMatchObject({ CUDA_VISIBLE_DEVICES: T4 });
    await expect(gpus.environmentFor(share, [share])).rejects.toThrow('The GPU takes one process at a time');
  });

  it('is refused where the card has too little memory left', async () => {
    await FakeGpu.open('t4-515');
    const { gpus } = await detect();
    const share = { slot: gpus.slotAt(0), percent: 25, memoryBytes: 6 * GIB };
    await expect(gpus.environmentFor(share, [share])).resolves.toBeDefined();
    await expect(gpus.environmentFor(share, [share, share])).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      sentence: expect.stringMatching(
        /^The GPU has too little memory: 6\.4 GB are needed, and of its 16\.1 GB others need 12\.9 GB\./,
      ),
    });
    await gpus.close();
  });
});
