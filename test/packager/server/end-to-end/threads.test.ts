import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cell, table } from '../../../profiles/sample-table.ts';
import { startServer } from '../server-process.ts';

test.each([
  ['of its own quota', 1500, 1],
  ['of another quota of its sort, as far below the default', 2500, 2],
  ['that was not tried: the default', 2000, 2],
])('a server runs with the threads that its profile table chose %s', async (_, cpuMillicores, threads) => {
  const folder = await mkdtemp(join(tmpdir(), 'infless-threads-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const profile = join(folder, 'table.json');
  const trials = [{ threads: 1, spinning: false, batch: 8, meanMs: 5, cpuMs: 5 }];
  const threading = [{ cpuMillicores: 1500, threads: 1, spinning: false, trials }];
  await writeFile(profile, JSON.stringify(table([cell(1, 1500, 5)], { threading })));
  const server = await startServer({ model: 'mnist', profile, cpuMillicores, maxBatch: 1 });
  expect((await server.ready()).threads).toBe(threads);
});
