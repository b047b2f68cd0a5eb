import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { canBatch, type ModelManifest } from '../../../models/manifest/manifest.ts';
import { noteBatchFinding } from '../../../models/resolve/batch-findings.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { node } from '../../support/onnx-nodes.ts';
import { intWeights, LINEAR, ModelFolder, type TinyGraph, tensorInfo } from '../../support/tiny-models.ts';

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder.path, 'cache'));
});
afterEach(async () => {
  vi.doUnmock('../../../models/base/package.ts');
  vi.resetModules();
  vi.unstubAllEnvs();
  await folder.remove();
});

/** Adds up all rows so far. */
const SUMS: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['N', 2])],
  outputs: [tensorInfo('y', 'float32', ['N', 2])],
  nodes: [node('CumSum', 'x zero', 'y')],
  weights: [intWeights('zero', [0])],
};

/** What a version wrote that took its rows for independent ones, and did not say why. */
function mistaken({ batching: _, ...manifest }: ModelManifest): ModelManifest {
  const rows = <T extends object>(specs: readonly T[]): T[] =>
    specs.map((spec) => ({ ...spec, batchAxis: 0 }));
  return { ...manifest, inputs: rows(manifest.inputs), outputs: rows(manifest.outputs) };
}

/** The same, as another version of infless would. */
async function resolveAsVersion(packageVersion: string): Promise<typeof resolveModel> {
  vi.resetModules();
  vi.doMock('../../../models/base/package.ts', async (original) => ({
    ...(await original<object>()),
    packageVersion,
  }));
  return (await import('../../../models/resolve/resolve-model.ts')).resolveModel;
}

it('what another version has remembered of a model is not believed', async () => {
  const path = await folder.write('sums.onnx', SUMS);
  const { manifest } = await resolveModel(path);
  const shelf = join(folder.path, 'cache', 'manifests');
  const [file] = await readdir(shelf);
  await writeFile(join(shelf, file!), JSON.stringify(mistaken(manifest)));
  expect(canBatch((await resolveModel(path)).manifest)).toBe(true); // of this version, it would be
  const resolveAgain = await resolveAsVersion('999.0.0');
  expect((await resolveAgain(path)).manifest).toEqual(manifest);
  expect(manifest.batching).toMatchObject({ state: 'refuted' });
  expect(JSON.parse(await readFile(join(shelf, file!), 'utf8'))).toEqual(mistaken(manifest));
});

it('what is written in an image that says nothing of a proof is served one by one, unless it is trusted', async () => {
  const path = await folder.write('sums.onnx', SUMS);
  const { manifest } = await resolveModel(path);
  const text = JSON.stringify(mistaken(manifest));
  const manifestFile = await folder.write('manifest.json', Buffer.from(text));
  const { manifest: known } = await resolveModel(path, { manifestFile });
  expect(known.batching).toEqual({
    state: 'declared',
    reason: 'it was looked at by an older version',
    axes: { inputs: [0], outputs: [0] },
  });
  expect(canBatch(known)).toBe(false);
  const { manifest: trusted } = await resolveModel(path, { manifestFile, batching: 'trust' });
  expect(canBatch(trusted)).toBe(true);
});

it('what serving has found of a model counts for all versions', async () => {
  const path = await folder.write('linear.onnx', LINEAR);
  const { manifest } = await resolveModel(path);
  await noteBatchFinding(manifest.digest, { how: 'audit', reason: 'row 3 was another' });
  const resolveAgain = await resolveAsVersion('999.0.0');
  expect((await resolveAgain(path)).manifest.batching).toMatchObject({
    state: 'refuted',
    reason: 'row 3 was another, when it was served',
  });
});
