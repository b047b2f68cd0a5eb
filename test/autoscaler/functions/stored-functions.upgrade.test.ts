import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { resolveDeployment } from '../../../autoscaler/functions/deployment.ts';
import { FunctionStore } from '../../../autoscaler/functions/function-store.ts';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { gradeOf } from '../../../profiles/conditions/grade.ts';
import { readHost } from '../../../profiles/host.ts';
import { profileDirectory, saveTable } from '../../../profiles/store.ts';
import { cell, table } from '../../profiles/sample-table.ts';

/** A cell as the first version wrote it. */
const OLD_CELL = cell(1, 1000, 10);

async function oldState() {
  const folder = await mkdtemp(join(tmpdir(), 'infless-upgrade-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  vi.stubEnv('INFLESS_CACHE_DIR', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const declaration = { name: 'digits', model: 'mnist', slo: '200ms' };
  await writeFile(
    join(folder, 'functions.json'),
    JSON.stringify({ schema: 'infless.io/functions/v1', functions: [{ origin: 'rest', declaration }] }),
  );
  const { manifest } = await resolveModel('mnist');
  const { graphDigest: _, batching: __, ...model } = manifest; // what it did not know yet
  const { servingPath: ___, ...rest } = table([OLD_CELL], { model, host: await readHost() });
  return { folder, manifest, old: rest };
}

it('declarations and tables of an older version serve on, and say that they are due again', async () => {
  const { folder, old } = await oldState();
  const file = await saveTable(old);
  expect(file).toMatch(profileDirectory());
  const [stored] = await new FunctionStore(folder).load();
  const spec = parseFunctionSpec(stored!.declaration, 'The function');
  const { profile, warnings } = await resolveDeployment(spec);
  expect(profile).toEqual({ file, table: old });
  expect(gradeOf(profile.table).grade).toBe('fair');
  expect(warnings).toEqual([
    `Profile table ${file} is due again: it was measured with an older version of the serving path (1, here 2).`,
  ]);
});

it('a newer table of the same model is taken before an older one', async () => {
  const { old, manifest } = await oldState();
  await saveTable({ ...old, createdAt: '2027-01-01T00:00:00.000Z' }, join(profileDirectory(), 'older.json'));
  const now = table([OLD_CELL], { model: manifest, host: old.host });
  const file = await saveTable(now);
  const spec = parseFunctionSpec({ name: 'digits', model: 'mnist', slo: '200ms' }, 'The function');
  expect((await resolveDeployment(spec)).profile.file).toBe(file);
});

it('a table of a newer schema is told in one sentence', async () => {
  const { old, folder } = await oldState();
  const file = join(folder, 'newer.json');
  await writeFile(file, JSON.stringify({ ...old, schema: 'infless.io/profile/v2' }));
  const spec = parseFunctionSpec(
    { name: 'digits', model: 'mnist', slo: '1s', profile: file },
    'The function',
  );
  await expect(resolveDeployment(spec)).rejects.toThrow(
    'has the schema infless.io/profile/v2, newer than this infless',
  );
});
