import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../profiles/config.ts';
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

describe('a sweep that was killed', () => {
  const sweep = ['mnist', '--batches', '1,2,4', '--cpus', '0.5,1', '--cell-time', '150ms', '--error', '0.1%'];

  it('keeps its finished cells after kill -9 and goes on with --resume', async () => {
    const killed = new ProfileProcess(cache, ...sweep);
    await killed.cells(2);
    killed.child.kill('SIGKILL');
    await killed.finished();
    const [journal] = await readdir(join(cache, 'profiles'));
    expect(journal).toMatch(/^mnist-\w+\.journal$/);
    const finished = cellLines(await readFile(join(cache, 'profiles', journal!), 'utf8'));
    expect(finished.length).toBeGreaterThanOrEqual(2);

    const { code, stderr } = await profile(...sweep, '--resume');
    expect(code).toBe(0);
    expect(stderr).toContain(`Resuming with ${finished.length} finished cells`);
    expect(stderr).toContain(`[${finished.length + 1}/6]`);
    expect(stderr).not.toContain(`[${finished.length}/6]`);
    const { cells } = await cachedTable(cache);
    expect(cells).toHaveLength(6);
    for (const { batch, cpuMillicores } of finished) {
      expect(cells).toContainEqual(expect.objectContaining({ batch, cpuMillicores }));
    }
    await expect.poll(ownQuotas).toEqual([]); // what the killed one left behind is tidied up
  });

  it('is put aside without --resume', async () => {
    const killed = new ProfileProcess(cache, ...sweep);
    await killed.cells(1);
    killed.child.kill('SIGKILL');
    await killed.finished();
    const { code, stderr } = await profile('mnist', '--batches', '1', '--cpus', '1', ...FAST);
    expect(stderr).toMatch(
      /note: An interrupted sweep with \d finished cells was there; it is kept as .*\.journal\.old/,
    );
    expect(code).toBe(0);
  });

  it('cannot be resumed with other settings', async () => {
    const killed = new ProfileProcess(cache, ...sweep);
    await killed.cells(1);
    killed.child.kill('SIGKILL');
    await killed.finished();
    const { code, stderr } = await profile(...sweep, '--error', '5%', '--resume');
    expect(code).toBe(2);
    expect(stderr).toMatch(/error: Journal .* was measured otherwise \(confidence differ\)\. Give the same/);
  });
});

function cellLines(journal: string): Config[] {
  return journal
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as { cell?: Config })
    .flatMap(({ cell }) => cell ?? []);
}
