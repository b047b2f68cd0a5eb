import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileTableSchema } from '../../../../profiles/table.ts';
import { ProfileProcess } from '../../end-to-end/run-profile.ts';

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-operators-'));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

const run = (...args: string[]) => new ProfileProcess(cache, ...args).finished();

/**
 * Several processes one after the other, each of which loads a model; on a busy machine they wait their
 * turns.
 */
const TIMEOUT_MS = 180_000;

describe('infless-profile --predict', { timeout: TIMEOUT_MS }, () => {
  it('says what to do where no operators have been gathered', async () => {
    const { code, stderr } = await run('mnist', '--predict');
    expect(code).toBe(2);
    expect(stderr).toContain(
      'No operators have been gathered on this host yet. Run infless-profile operators once',
    );
  });

  it('predicts a model from the operators of another one, and takes over the cells that were measured', async () => {
    const gathered = await run(
      'operators',
      'dssm',
      '--no-calibration',
      '--batches',
      '1,2',
      '--rounds',
      '1',
      '--run-time',
      '20ms',
    );
    expect(gathered.stderr).toContain('dssm b2 c1');
    expect(gathered.code).toBe(0);

    const file = join(cache, 'predicted.json');
    const grid = ['--batches', '1,4', '--cpus', '0.5,1', '--cell-time', '200ms'];
    const predicted = await run('mnist', '--predict', '--cells', '1', ...grid, '-o', file);
    expect(predicted.code).toBe(0);
    expect(predicted.stderr).toContain('Operators of kinds that were never seen');
    const table = profileTableSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    expect(table.cells).toHaveLength(4);
    expect(table.cells.filter(({ predicted }) => predicted !== true)).toHaveLength(1);
    for (const { latencyMs, predicted, samples } of table.cells) {
      expect(latencyMs.meanInterval[0]).toBeLessThanOrEqual(latencyMs.mean);
      expect(latencyMs.meanInterval[1]).toBeGreaterThanOrEqual(latencyMs.mean);
      expect(samples === 0).toBe(predicted === true);
    }
  });

  it('refuses cells without a prediction that they would correct', async () => {
    const { code, stderr } = await run('mnist', '--cells', '3');
    expect(code).toBe(2);
    expect(stderr).toContain('--cells needs --predict');
  });

  it('refuses a number of cells that is none', async () => {
    const { code, stderr } = await run('mnist', '--predict', '--cells', 'three');
    expect(code).toBe(2);
    expect(stderr).toContain('--cells "three" is not a number of cells');
  });
});
