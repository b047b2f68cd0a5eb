import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolveDeployment } from '../../../autoscaler/functions/deployment.ts';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { withTails } from '../../../profiles/capacity/tails.ts';
import { saveTable } from '../../../profiles/store.ts';
import { readTable } from '../../../profiles/table-file.ts';
import { linearWeights, linearWithWeightsIn, ModelFolder } from '../../support/tiny-models.ts';

let folder: ModelFolder;
let path: string;
beforeAll(async () => {
  folder = await ModelFolder.create();
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder.path, 'cache'));
  path = await folder.write('net.onnx', linearWithWeightsIn('w.data'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const deploy = (declared: object = {}) =>
  resolveDeployment(parseFunctionSpec({ name: 'f', model: path, slo: '1s', ...declared }, 'f'));

/** Keeps a table as if the model had been measured; returns where. */
async function measure(): Promise<string> {
  const { manifest } = await resolveModel(path);
  return saveTable({
    ...(await readTable(join(packageRoot, 'profiles/mobilenet-epyc.json'))),
    model: manifest,
  });
}

describe('other weights beside the same graph', () => {
  it('are another model: its instances are other ones, and no table of the former is used', async () => {
    await folder.write('w.data', linearWeights());
    const table = await measure();
    const before = await deploy();
    expect(before.profile.file).toBe(table);
    expect((await deploy()).workload.version).toBe(before.workload.version);

    await folder.write('w.data', linearWeights(2));
    await expect(deploy()).rejects.toMatchObject({ code: 'PROFILE_NOT_FOUND' });
    await expect(deploy({ profile: table })).rejects.toMatchObject({
      code: 'PROFILE_INVALID',
      sentence: expect.stringContaining(`Measure this one with: infless-profile ${path}`),
    });
    const other = await measure();
    const after = await deploy();
    expect([after.profile.file, other]).toEqual([other, expect.not.stringMatching(table)]);
    expect(after.workload.version).not.toBe(before.workload.version);
  });
});

it('a percentile that the table cannot tell has a warning', async () => {
  const found = await readTable(await measure());
  const cells = found.cells.map((cell) => ({ ...cell, samples: 200 }));
  await saveTable(withTails({ ...found, cells }));
  const warnings = async (percentile: number) => (await deploy({ percentile })).warnings.join();
  expect(await warnings(99.9)).toMatch(/cannot tell percentile 99\.9 in any of its cells/);
  expect(await warnings(99)).not.toContain('cannot tell');
});
