import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTable } from '../../../profiles/store.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';
import { ProfileProcess } from './run-profile.ts';

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-profile-gpu-'));
});
afterAll(() => rm(cache, { recursive: true }));

const SMALL = ['mnist', '--batches', '1', '--cpus', '1', '--cell-time', '60ms', '--error', '20%'];

function profile(...args: string[]): ProfileProcess {
  return new ProfileProcess(cache, ...SMALL, ...args);
}

/** The card is played by programs on the PATH; the runtime's CUDA libraries are not in its npm package. */
describe('infless-profile --gpu', () => {
  it('shares the GPU by MPS, and says what keeps cells from running on it', async () => {
    const fake = await FakeGpu.open('t4-515');
    const output = join(cache, 'table.json');
    const { code, stdout, stderr } = await profile('--gpu', '0,50', '-o', output).finished();
    expect(stderr).toMatch(
      /left out: b1 c1 g50: .* cannot run on a GPU here \(.*Failed to load shared library/,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('Tesla T4');
    expect((await fake.calls()).slice(1)).toEqual([
      'mps start on GPU-d37e67a5-91dd-3774-a5cb-99096249601a, log folder given',
      'mps quit',
    ]);
    const table = await readTable(output);
    expect(table.quota.gpuSharing).toBe('mps');
    expect(table.host.gpus).toEqual([{ model: 'Tesla T4', memoryBytes: 15_360 * 2 ** 20 }]);
    expect(table.cells.map(({ gpuPercent }) => gpuPercent)).toEqual([0]);
  });

  it('ends where nothing but the GPU was asked for, and ends the daemon too', async () => {
    const fake = await FakeGpu.open('t4-515');
    const { code, stderr } = await profile('--gpu', '50').finished();
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: Model mnist does not even run as b1 c1 g50: .* cannot run on a GPU here/);
    expect(await fake.calls()).toContain('mps quit');
  });

  it('ends the daemon on Ctrl-C', async () => {
    const fake = await FakeGpu.open('t4-515');
    const running = profile(
      '--gpu',
      '0,50',
      '--batches',
      '1,2,4,8,16',
      '--cell-time',
      '1s',
      '--error',
      '0.1%',
    );
    await running.cells(1);
    running.interrupt();
    expect((await running.finished()).code).toBe(130);
    expect(await fake.calls()).toContain('mps quit');
  });

  it('measures CPU quotas alone where there is no GPU, and says so', async () => {
    await FakeGpu.open();
    const { code, stdout, stderr } = await profile('--gpu', '50').finished();
    expect(stderr).toContain(
      "note: There is no GPU here (nvidia-smi failed: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that it runs): only CPU quotas are measured.",
    );
    expect(stdout).toContain('no GPU');
    expect(code).toBe(0);
  });

  it('says that a GPU is there which was not asked for', async () => {
    await FakeGpu.open('two-h100-550');
    const { stderr } = await profile().finished();
    expect(stderr).toContain(
      'note: A GPU is here (NVIDIA H100 80GB HBM3); --gpu 0,50,100 measures shares of it',
    );
  });

  it.each([
    ['150', /--gpu "150": "150" is not a share of a GPU\. Write whole percentages/],
    ['half', /"half" is not a share/],
    [',', /--gpu "," lists nothing/],
  ])('refuses %s', async (list, sentence) => {
    const { code, stderr } = await profile('--gpu', list).finished();
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  });
});
