import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { AllowedPaths } from '../../../autoscaler/functions/allowed-paths.ts';
import { cacheDirectory } from '../../../models/base/files.ts';

let folder: string;
let allowed: AllowedPaths;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-paths-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'models'));
  await writeFile(join(folder, 'secret'), '');
  allowed = new AllowedPaths([join(folder, 'models')]);
});

test('a zoo name, and a file in one of the folders, whether it is there or not', async () => {
  await allowed.check({ model: 'mnist' });
  await allowed.check({
    model: join(folder, 'models', 'a.onnx'),
    profile: join(folder, 'models/deep/p.json'),
  });
  await allowed.check({ image: `oci:${join(folder, 'models', 'layout')}:1` });
  await allowed.check({ image: 'registry.example/team/model:1' });
  await allowed.check({ model: 'mnist', profile: join(cacheDirectory(), 'profiles', 'p.json') });
});

test.each(['/etc/shadow', '../../../../etc/shadow', '/proc/self/environ'])(
  '%s is refused',
  async (profile) => {
    await expect(allowed.check({ model: 'mnist', profile })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `The profile "${profile}" is outside the folders that functions may name files in`,
      remedy: expect.stringContaining('--model-dir'),
    });
  },
);

test('no way around leads out: neither dots nor links nor a folder of a longer name', async () => {
  await symlink(join(folder, 'secret'), join(folder, 'models', 'link'));
  await symlink(folder, join(folder, 'models', 'up'));
  const paths = [
    'models/../secret',
    'models/link',
    'models/up/secret',
    'models/up/later.onnx',
    'models-more/a.onnx',
  ];
  for (const path of paths)
    await expect(allowed.check({ model: join(folder, path) }), path).rejects.toThrow(/outside/);
  await expect(allowed.check({ image: `oci:${folder}` })).rejects.toThrow(/outside/);
});
