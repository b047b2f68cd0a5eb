import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { resolveModel } from '../../../../models/resolve/resolve-model.ts';
import { profileEstimate } from '../../../../packager/server/batching/profile-estimate.ts';
import { serverSettings } from '../../../../packager/server/settings.ts';
import { cell, table } from '../../../profiles/sample-table.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const OTHER_MODEL = 'the profile table is of another model; execution times are learned instead';

describe('execution time from a profile table', () => {
  const settings = serverSettings({
    INFLESS_MODEL: 'sample',
    INFLESS_CPU_MILLICORES: '500',
    INFLESS_MAX_BATCH: '4',
  });

  test('is the p99 under our quota, with the codec for each row', () => {
    const estimate = profileEstimate(table([cell(1, 500, 10), cell(4, 500, 22), cell(1, 1000, 5)]), settings);
    expect(estimate(1)).toBeCloseTo(10 * 1.5 + 0.75);
    expect(estimate(4)).toBeCloseTo(22 * 1.5 + 4 * 0.75);
    expect(estimate(2)).toBeCloseTo(14 * 1.5 + 2 * 0.75);
  });

  test('a table of another model is not believed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'infless-server-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const profile = join(directory, 'table.json');
    await writeFile(profile, JSON.stringify(table([cell(1, 500, 10)])));
    const server = await startServer({ model: 'mnist', profile });
    expect(server.logged(OTHER_MODEL)).toHaveLength(1);
  });

  test('a table of this model decides how long to wait for company', async () => {
    const { digest } = (await resolveModel('mnist')).manifest;
    const directory = await mkdtemp(join(tmpdir(), 'infless-server-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const profile = join(directory, 'table.json');
    const model = { ...table([cell(1, 500, 10)]).model, digest };
    await writeFile(profile, JSON.stringify(table([cell(1, 1000, 300), cell(2, 1000, 310)], { model })));
    const server = await startServer({
      model: 'mnist',
      cpuMillicores: 1000,
      maxBatch: 2,
      sloMs: 1000,
      profile,
    });
    expect(server.logged(OTHER_MODEL)).toHaveLength(0);
    // It is told that two take as long as one: the second waits for the third, though mnist takes a
    // millisecond.
    expect(await batchesOfThree(server)).toBe(2);
  });
});

/** In how many batches three requests run that come 30 ms after one another. */
async function batchesOfThree(server: ServerProcess): Promise<number> {
  const image = Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]));
  const answers: Promise<Response>[] = [];
  for (let sent = 0; sent < 3; sent += 1) {
    answers.push(server.post('/', JSON.stringify({ instances: [image] })));
    await sleep(30);
  }
  for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
  return server.metric('infless_server_batch_rows_count');
}
