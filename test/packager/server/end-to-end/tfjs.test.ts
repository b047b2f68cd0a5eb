import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveModel } from '../../../../models/resolve/resolve-model.ts';
import { denseNet, type KnownNet, LINEAR_GRAPH, writeTfjsModel } from '../../../support/tfjs-models.ts';
import { spawnServer, startServer } from '../server-process.ts';

let folder: string;
let net: KnownNet;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-tfjs-'));
  net = await denseNet();
  model = await writeTfjsModel(join(folder, 'net'), net.init, { shardBytes: 64 });
});
afterAll(() => rm(folder, { recursive: true }));

const ROWS = [
  [1, 2, 3, 4, 5, 6],
  [0.5, 0, -0.5, 0.25, 0, 1],
  [0, 0, 0, 0, 0, 0],
];

async function expectAnswers(url: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ instances: ROWS }) });
  const { predictions } = (await response.json()) as { predictions: number[][] };
  const wanted = net.expected(ROWS.flat());
  for (const [index, value] of predictions.flat().entries()) expect(value).toBeCloseTo(wanted[index]!, 4);
  expect(predictions.map((row) => row.length)).toEqual([3, 3, 3]);
}

describe('a TF.js model', () => {
  test('is served under the name of its folder', async () => {
    const server = await startServer({ model, maxBatch: 2 });
    await expectAnswers(`${server.url}/v1/models/net:predict`);
    const report = await server.ready();
    expect(report).toMatchObject({ model: 'net', threads: 1, maxBatch: 2 });
    expect(report.digest).toBe((await resolveModel(model)).manifest.digest);
    server.child.kill('SIGTERM');
    expect(await server.exited()).toBe(0);
  });

  test('is served by its written manifest', async () => {
    const manifest = join(folder, 'manifest.json');
    await writeFile(manifest, JSON.stringify((await resolveModel(model)).manifest));
    const server = await startServer({ model, manifest, modelName: 'described' });
    await expectAnswers(`${server.url}/v1/models/described:predict`);
  });

  test('whose weights do not fit its manifest is not served', async () => {
    const manifest = join(folder, 'manifest-of-another.json');
    await writeFile(manifest, JSON.stringify((await resolveModel(model)).manifest));
    const other = await writeTfjsModel(join(folder, 'other'), LINEAR_GRAPH);
    const server = spawnServer({ model: other, manifest });
    expect(await server.exited()).toBe(2);
    expect(server.stderr).toMatch(/error: Model file \S+ has \d+ bytes, and \S+ describes one of \d+\./);
  });

  test('without its weights is told in one sentence', async () => {
    const lost = await writeTfjsModel(join(folder, 'lost'), net.init);
    await rm(join(folder, 'lost', 'group1-shard1of1.bin'));
    const server = spawnServer({ model: lost });
    expect(await server.exited()).toBe(2);
    expect(server.stderr).toMatch(
      /error: Weights file \S+shard1of1\.bin of \S+ does not exist\. Put all files/,
    );
  });
});
