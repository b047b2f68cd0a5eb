import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import { buildZooModel } from '../../../models/zoo/index.ts';
import { isZooName, unknownModel } from '../../../models/zoo/names.ts';

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'infless-zoo-'));
});
afterEach(async () => {
  await chmod(cacheDir, 0o755);
  await rm(cacheDir, { recursive: true, force: true });
});

it('builds once and reuses the file', async () => {
  const path = await buildZooModel('mnist', cacheDir);
  const before = await stat(path);
  expect(await buildZooModel('mnist', cacheDir)).toBe(path);
  expect(await stat(path)).toEqual({ ...before, atimeMs: expect.anything(), atime: expect.anything() });
});

it('replaces a file that is cut off', async () => {
  const path = await buildZooModel('mnist', cacheDir);
  const whole = await readFile(path);
  await truncate(path, 1000);
  await buildZooModel('mnist', cacheDir);
  expect(whole.equals(await readFile(path))).toBe(true);
});

it('shares one build among those who ask at once', async () => {
  const paths = await Promise.all(Array.from({ length: 5 }, () => buildZooModel('mnist', cacheDir)));
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(join(cacheDir, 'models'))).toEqual(['mnist-1.onnx']);
});

const compiled = programFile('models/zoo/index');
it.skipIf(!existsSync(compiled))('lets processes build at once (needs npm run build)', async () => {
  const program = `import { buildZooModel } from ${JSON.stringify(compiled)};
    process.stdout.write(await buildZooModel('mnist', process.argv[1]));`;
  const build = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, cacheDir]);
  const results = await Promise.all([build(), build(), build(), build()]);
  const path = await buildZooModel('mnist', cacheDir);
  expect(results.map(({ stdout }) => stdout)).toEqual([path, path, path, path]);
  expect(await readdir(join(cacheDir, 'models'))).toEqual(['mnist-1.onnx']);
});

it('tells a read-only cache in one sentence', async () => {
  await chmod(cacheDir, 0o555);
  const error = await unprivileged(() => buildZooModel('mnist', cacheDir)).catch(messageOf);
  expect(error).toBe(
    `Folder ${cacheDir}/models cannot be written (EACCES). Set INFLESS_CACHE_DIR to a folder that can be written.`,
  );
});

it('uses what a read-only cache has', async () => {
  const path = await buildZooModel('mnist', cacheDir);
  await chmod(cacheDir, 0o555);
  expect(await unprivileged(() => buildZooModel('mnist', cacheDir))).toBe(path);
});

it('tells a cache below a file in one sentence', async () => {
  const file = join(cacheDir, 'file');
  await writeFile(file, '');
  const error = await buildZooModel('mnist', file).catch(messageOf);
  expect(error).toBe(
    `Folder ${file}/models cannot be written (ENOTDIR). Set INFLESS_CACHE_DIR to a folder that can be written.`,
  );
});

it('lists the zoo for a name it does not have', async () => {
  expect(await buildZooModel('mobilnet', cacheDir).catch(messageOf)).toMatchInlineSnapshot(
    `"There is no model "mobilnet". Did you mean mobilenet? Give the path of a model file, or one of the zoo: mobilenet, resnet-50, ssd, textcnn-69, lstm-maxclass-2365, dssm, mnist."`,
  );
  expect(unknownModel('models/digits.onnx').sentence).toMatchInlineSnapshot(
    `"Model file models/digits.onnx does not exist. Give the path of a model file, or one of the zoo: mobilenet, resnet-50, ssd, textcnn-69, lstm-maxclass-2365, dssm, mnist."`,
  );
  expect(unknownModel('mobilnet')).toMatchObject({ code: 'MODEL_NOT_FOUND', status: 404, exitCode: 2 });
  expect(isZooName('resnet-50')).toBe(true);
  expect(isZooName('constructor')).toBe(false);
});

/** Root may write anywhere: does the work as `no one`, who may not. */
async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}
