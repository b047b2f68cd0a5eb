import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProfileTable } from '../../../profiles/table.ts';
import { convNet, graphInit, placeholder, writeTfjsModel } from '../../support/tfjs-models.ts';
import { ProfileProcess } from './run-profile.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-profile-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('infless-profile of a TF.js model', () => {
  it('measures it as any other', async () => {
    const { init } = await convNet();
    const model = await writeTfjsModel(join(folder, 'pictures'), init, { shardBytes: 64 });
    const output = join(folder, 'table.json');
    const { code, stderr } = await new ProfileProcess(
      join(folder, 'cache'),
      model,
      ...['--quick', '--batches', '1,4', '--cpus', '1', '--cell-time', '100ms', '-o', output],
    ).finished();
    expect(code, stderr).toBe(0);
    const table = JSON.parse(await readFile(output, 'utf8')) as ProfileTable;
    expect(table.engine).toMatch(/^tfjs-backend-wasm \d/);
    expect(table.model).toMatchObject({ name: 'pictures', format: 'tfjs' });
    expect(
      table.cells.map(({ batch, threads }) => ({ batch, threads })).sort((a, b) => a.batch - b.batch),
    ).toEqual([1, 4].map((batch) => ({ batch, threads: 1 })));
  });

  it('names the operator that cannot run', async () => {
    const model = await writeTfjsModel(
      join(folder, 'odd'),
      graphInit([placeholder('x', 'float32', [-1, 2]), { name: 'y', op: 'Frobnicate', input: ['x'] }]),
    );
    const { code, stderr } = await new ProfileProcess(join(folder, 'cache'), model, '--quick').finished();
    expect(code).toBe(2);
    expect(stderr).toContain(
      'error: Model odd uses what TensorFlow.js cannot run here: Frobnicate. Convert the model to ONNX',
    );
  });
});
