import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { packageRoot } from '../../models/base/package.ts';
import { resolveModel } from '../../models/open.ts';
import { readTable } from '../../profiles/table-file.ts';
import { AutoscalerProcess } from '../support/autoscaler-process.ts';
import { FakeGpu } from '../support/fake-gpu.ts';

const PRELOAD = pathToFileURL(join(packageRoot, 'test/support/cuda-by-cpu.mjs')).href;

let folder: string;
let autoscaler: AutoscalerProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-service-gpu-'));
});
afterEach(async () => {
  autoscaler?.child.kill('SIGINT');
  await autoscaler?.exited();
  await rm(folder, { recursive: true });
});

/** A table of a model that runs with shares of a GPU only. */
async function gpuTable(gpuPercent: number): Promise<string> {
  const { manifest } = await resolveModel('mnist');
  const table = await readTable(join(packageRoot, 'profiles/mobilenet-epyc.json'));
  const [cell] = table.cells;
  const file = join(folder, 'table.json');
  const shares = [1, 4].map((batch) => ({
    ...cell!,
    batch,
    cpuMillicores: 500,
    gpuPercent,
    gpu: { memoryBytes: 600 * 2 ** 20, powerWatts: null, utilizationPercent: null },
  }));
  const accelerator = { provider: 'cuda', gpu: 'Tesla T4', driverVersion: null, cpuNodes: null };
  await writeFile(file, JSON.stringify({ ...table, model: manifest, accelerator, cells: shares }));
  return file;
}

it('serves a function on a share of the GPU', { timeout: 60_000 }, async () => {
  const fake = await FakeGpu.open('t4-515');
  vi.stubEnv('NODE_OPTIONS', `--import=${PRELOAD}`);
  const profile = await gpuTable(25);
  const functions = join(folder, 'functions.json');
  const declaration = { name: 'digits', model: 'mnist', slo: '500ms', profile, scale: { min: 1 } };
  await writeFile(functions, JSON.stringify({ functions: [declaration] }));
  autoscaler = new AutoscalerProcess('-f', functions, '-p', '0', '--state-dir', join(folder, 'state'));
  const { instances } = await autoscaler.ready('digits');
  expect(instances[0]).toMatchObject({ config: { gpuPercent: 25 } });
  const image = Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]));
  for (const rows of [1, 2, 3, 4]) {
    const response = await fetch(`${await autoscaler.url()}/function/digits`, {
      method: 'POST',
      body: JSON.stringify({ instances: Array.from({ length: rows }, () => image) }),
    });
    const { predictions } = (await response.json()) as { predictions: number[][] };
    expect(predictions.map((row) => row.length)).toEqual(Array.from({ length: rows }, () => 10));
  }
  autoscaler.child.kill('SIGINT');
  await autoscaler.exited();
  expect((await fake.calls()).filter((call) => call.startsWith('mps'))).toEqual([
    'mps start on GPU-d37e67a5-91dd-3774-a5cb-99096249601a, log folder given',
    'mps quit',
  ]);
});
