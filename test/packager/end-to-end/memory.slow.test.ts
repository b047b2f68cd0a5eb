import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { programFile } from '../../../models/base/package.ts';
import { encodeTinyModel, ModelFolder, tensorInfo } from '../../support/tiny-models.ts';

const MIB = 1 << 20;
const LAYERS = 16;
const WIDTH = 2048;
const WEIGHT_BYTES = WIDTH * WIDTH * 4;

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

/** A model of 256 MiB in as many layers as a model of that size has. */
function writeDeepModel(): Promise<string> {
  const values = new Float32Array(WIDTH * WIDTH).map((_, index) => ((index * 7919) % 1009) / 1e6);
  const layers = Array.from({ length: LAYERS }, (_, index) => index);
  return folder.write(
    'deep.onnx',
    encodeTinyModel({
      inputs: [tensorInfo('x0', 'float32', ['N', WIDTH])],
      outputs: [tensorInfo(`x${LAYERS}`, 'float32', ['N', WIDTH])],
      nodes: layers.map((index) => ({
        opType: 'MatMul',
        input: [`x${index}`, `w${index}`],
        output: [`x${index + 1}`],
      })),
      weights: layers.map((index) => ({
        name: `w${index}`,
        dims: [BigInt(WIDTH), BigInt(WIDTH)],
        dataType: 1,
        rawData: Buffer.from(values.buffer),
      })),
    }),
  );
}

/**
 * A group of processes that together get no more memory than this: pages of files count, but are taken back.
 */
function memoryGroup(context: TestContext, limitBytes: number): string {
  const isV1 = existsSync('/sys/fs/cgroup/memory/cgroup.procs');
  const group = join(`/sys/fs/cgroup/${isV1 ? 'memory/' : ''}`, `infless-test-${randomUUID()}`);
  try {
    mkdirSync(group);
    context.onTestFinished(() => rmdirSync(group));
    writeFileSync(join(group, isV1 ? 'memory.limit_in_bytes' : 'memory.max'), String(limitBytes));
  } catch {
    context.skip('needs the right to limit the memory of a control group');
  }
  return group;
}

it('a model that was never looked at is packed in less memory than its weights take', async (context) => {
  const group = memoryGroup(context, 192 * MIB);
  const model = await writeDeepModel();
  expect(LAYERS * WEIGHT_BYTES).toBe(256 * MIB);
  const { status, stderr } = spawnSync(
    'sh',
    [
      ...['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group],
      ...[process.execPath, programFile('packager/bin'), model, '--base', 'host'],
      ...['-o', `oci:${join(folder.path, 'images')}`],
    ],
    { encoding: 'utf8' },
  );
  expect(stderr).toContain('deep: ');
  expect(status).toBe(0);
  const index = JSON.parse(readFileSync(join(folder.path, 'images', 'index.json'), 'utf8'));
  expect(index.manifests).not.toEqual([]);
}, 120_000);
