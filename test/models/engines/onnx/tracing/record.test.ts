import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { onnxEngine } from '../../../../../models/engines/onnx/engine.ts';
import { generateInputs } from '../../../../../models/manifest/inputs.ts';
import { LINEAR, ModelFolder } from '../../../../support/tiny-models.ts';
import { mountDisk } from '../../../../support/tools.ts';

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const RESOURCES = { cpuMillicores: 1000, gpuPercent: 0 };

it('a recording that a full disk has no room for is not the fault of the model', async (context) => {
  const path = await folder.write('linear.onnx', LINEAR);
  const manifest = await onnxEngine.inspect(path, 'linear');
  const feeds = generateInputs(manifest, { batch: 1 });
  const { operators, cpuNodes } = onnxEngine.tracing!;
  const disk = mountDisk(context, 64);
  vi.stubEnv('TMPDIR', disk);
  const runs = await operators({ path, manifest }, RESOURCES, feeds, { runs: 2, timeMs: 0 });
  expect(runs.map((run) => run.map(({ operator }) => operator.kind))).toEqual([['MatMul'], ['MatMul']]);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(56 << 10));
  const full = {
    code: 'STORAGE_FAILED',
    sentence: expect.stringMatching(/^The disk of .* is full: .*\. Make room there, or set TMPDIR/),
  };
  await expect(
    operators({ path, manifest }, RESOURCES, feeds, { runs: 2000, timeMs: 0 }),
  ).rejects.toMatchObject(full);
  expect(readdirSync(disk)).toEqual(['filler']);
  writeFileSync(join(disk, 'rest'), Buffer.alloc(8 << 10));
  await expect(operators({ path, manifest }, RESOURCES, feeds, { runs: 1, timeMs: 0 })).rejects.toMatchObject(
    full,
  );
  await expect(cpuNodes({ path, manifest }, RESOURCES, feeds)).rejects.toMatchObject(full);
});
