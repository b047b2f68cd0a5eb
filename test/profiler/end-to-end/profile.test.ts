import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openQuotas } from '../../../profiler/quota/quota.ts';
import { readTable } from '../../../profiles/store.ts';
import { writeFailingBatchModel } from '../cell/failing-batch-model.ts';
import { ownQuotas } from './own-quotas.ts';
import { cachedTable, type Finished, ProfileProcess } from './run-profile.ts';

const FAST = ['--cell-time', '60ms', '--error', '20%'];

let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-profile-'));
});
afterEach(() => rm(cache, { recursive: true }));

function profile(...args: string[]): Promise<Finished> {
  return new ProfileProcess(cache, ...args).finished();
}

describe('infless-profile', () => {
  it('measures a zoo model, saves the table in the cache and shows it', async () => {
    const { code, stdout, stderr } = await profile('mnist', '--batches', '1,4', '--cpus', '0.5,1', ...FAST);
    expect(stderr).toContain('[4/4]');
    expect(stderr).toMatch(/Table saved as .*mnist-\w+\.json/);
    expect(stdout).toMatch(/cores .* b1 .* b4/);
    expect(stdout).toContain('Most per core');
    expect(code).toBe(0);

    const table = await cachedTable(cache);
    expect(table.model.name).toBe('mnist');
    expect(table.confidence).toEqual({ level: 0.95, relativeError: 0.2 });
    const configs = table.cells.map(({ batch, cpuMillicores }) => `${batch}/${cpuMillicores}`);
    expect(configs.sort()).toEqual(['1/1000', '1/500', '4/1000', '4/500']);
    expect(await readdir(join(cache, 'profiles'))).toHaveLength(1); // no journal is left
    const { mechanism } = await openQuotas();
    expect(table.quota.mechanism).toBe(mechanism);
    for (const cell of table.cells) {
      expect(cell.throughputPerSecond).toBeCloseTo((cell.batch * 1000) / cell.latencyMs.mean);
      expect(cell.throttling === null).toBe(mechanism === 'threads' || mechanism === 'affinity');
    }
  });

  it('writes the table in a format to standard output, and the summary beside it', async () => {
    const { code, stdout, stderr } = await profile(
      'mnist',
      '--batches',
      '1',
      '--cpus',
      '1',
      '--format',
      'csv',
      ...FAST,
    );
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^model,batch,cpu_millicores,/);
    expect(stdout.split('\n')[1]).toMatch(/^mnist,1,1000,/);
    expect(stderr).toContain('Most per core');
  });

  it('writes it to a file under another name of the model', async () => {
    const output = join(cache, 'out', 'table.json');
    const { code } = await profile(
      'mnist',
      '--batches',
      '2',
      '--cpus',
      '1',
      '--model-name',
      'digits',
      '-o',
      output,
      ...FAST,
    );
    expect(code).toBe(0);
    expect(await readTable(output)).toEqual(await cachedTable(cache));
    expect((await readTable(output)).model.name).toBe('digits');
    expect(await readdir(join(cache, 'out'))).toEqual(['table.json']);
  });

  it('leaves out a batch that fails, and says so', async () => {
    const file = join(cache, 'failing.onnx');
    await writeFailingBatchModel(file, 4);
    const { code, stdout, stderr } = await profile(file, '--batches', '1,4,8', '--cpus', '1', ...FAST);
    expect(stderr).toMatch(/left out: b8 c1: 8 rows do not run as one batch: .*/);
    expect(stdout).not.toContain('b8');
    expect(code).toBe(0);
    expect((await cachedTable(cache)).cells.map((cell) => cell.batch).sort()).toEqual([1, 4]);
  });

  it('ends when not even the easiest config runs', async () => {
    const file = join(cache, 'failing.onnx');
    await writeFailingBatchModel(file, 4);
    const { code, stderr } = await profile(file, '--batches', '8,16', '--cpus', '0.5,1', ...FAST);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: Model failing does not even run as b8 c1: 8 rows do not run as one batch/);
  });
});

describe('infless-profile --slo', () => {
  it('names the best config for a latency that can be kept', async () => {
    const { code, stdout } = await profile(
      'mnist',
      '--batches',
      '1,8',
      '--cpus',
      '1',
      '--slo',
      '5s',
      '--percentile',
      '95',
      ...FAST,
    );
    expect(stdout).toMatch(/Best for p95 ≤ 5\.00 s\s+b\d c1/);
    expect(code).toBe(0);
  });

  it('names the nearest one that can be kept, and exits with 1', async () => {
    const { code, stdout, stderr } = await profile(
      'mnist',
      '--batches',
      '1',
      '--cpus',
      '1',
      '--slo',
      '0.001ms',
      ...FAST,
    );
    expect(stdout).toContain('Most per core');
    expect(stderr).toMatch(
      /error: No config of mnist that was measured keeps p99 ≤ 0\.00 ms\. The nearest feasible SLO is .*, with b1 c1\./,
    );
    expect(code).toBe(1);
  });
});

describe('an interrupted sweep', () => {
  const sweep = ['mnist', '--batches', '1,2,4', '--cpus', '0.5,1', '--cell-time', '150ms', '--error', '0.1%'];

  it('says on Ctrl-C how to go on, exits with 130 and leaves no process and no quota', async () => {
    const output = join(cache, 'out', 'table.json');
    const process = new ProfileProcess(cache, ...sweep, '-o', output);
    await process.cells(1);
    process.interrupt();
    const { code, stdout, stderr } = await process.finished();
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toContain(
      `infless-profile mnist --batches 1,2,4 --cpus 0.5,1 --cell-time 150ms --error 0.1% -o ${output} --resume goes on with the rest`,
    );
    expect(await readdir(join(cache, 'out'))).toEqual(['table.json.journal']);
    expect(await ownQuotas()).toEqual([]);
  });
});
