import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTable } from '../../../profiles/store.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';
import { ProfileProcess } from '../run-profile.ts';

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
  it('says what keeps models from running on the GPU, and measures without it', async () => {
    const fake = await FakeGpu.open('t4-515');
    const output = join(cache, 'table.json');
    const { code, stdout, stderr } = await profile('--gpu', '0,50', '-o', output).finished();
    expect(stderr).toMatch(
      /note: Shares of the GPU are left out: The cuda provider of ONNX Runtime is not installed: libonnxruntime_providers_\w+\.so is not in \S+\. It is not in the npm package: .*onnxruntime-gpu/,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('Tesla T4');
    expect((await fake.calls()).filter((call) => call.startsWith('mps'))).toEqual([
      'mps start on GPU-d37e67a5-91dd-3774-a5cb-99096249601a, log folder given',
      'mps quit',
    ]);
    const table = await readTable(output);
    expect(table.quota.gpuSharing).toBeUndefined();
    expect(table.accelerator).toBeUndefined();
    expect(table.host.gpus).toEqual([{ model: 'Tesla T4', memoryBytes: 15_360 * 2 ** 20 }]);
    expect(table.cells.map(({ gpuPercent }) => gpuPercent)).toEqual([0]);
  });

  it.each([
    ['nothing but the GPU was asked for', ['--gpu', '50']],
    ['the provider was named', ['--gpu', '0,50', '--provider', 'cuda']],
  ])('ends with an exit code of its own where %s, and ends the daemon too', async (_, options) => {
    const fake = await FakeGpu.open('t4-515');
    const { code, stderr } = await profile(...options).finished();
    expect(stderr).toMatch(/error: The cuda provider of ONNX Runtime is not installed/);
    expect(code).toBe(4);
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

  it('refuses a provider that is named where there is no GPU', async () => {
    await FakeGpu.open();
    const { code, stderr } = await profile('--provider', 'cuda').finished();
    expect(stderr).toMatch(
      /^error: The cuda provider needs an NVIDIA GPU, and there is none here \(nvidia-smi failed: .*\)\. Install/m,
    );
    expect(code).toBe(4);
  });

  it.each([
    [
      ['--provider', 'rocm'],
      /error: onnxruntime-node \S+ has no provider "rocm" here\. Choose one of cpu, .*cuda/,
    ],
    [['--provider', 'cpu', '--gpu', '50'], /error: The provider "cpu" makes no use of shares of a GPU/],
    [['--provider', 'webgpu', '--gpu', '50'], /error: Nothing holds the webgpu provider to a part of a GPU/],
    [['--strict', '--allow-fallback'], /error: --strict and --allow-fallback contradict each other/],
  ])('refuses %j', async (options, sentence) => {
    await FakeGpu.open('t4-515');
    const { code, stderr } = await profile(...options).finished();
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
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
