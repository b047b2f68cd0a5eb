import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { needs, needsRoot, runTool } from '../../support/tools.ts';

/**
 * Where pip has put onnxruntime-gpu of the engine's version and what it needs: gigabytes, so only where they
 * are.
 */
const CUDA = process.env.INFLESS_TEST_CUDA ?? '';
const LAYERS = 13;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-cuda-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function needsCuda(context: TestContext): void {
  context.skip(
    CUDA === '',
    'needs INFLESS_TEST_CUDA: a folder with the CUDA provider and its libraries (docs/pack.md)',
  );
}

function pack(libraries: string, ...args: readonly string[]) {
  const program = join(packageRoot, 'dist/packager/bin.js');
  const options = ['--accelerator', 'cuda', '--base', 'host', '--no-profile', '--cuda-libraries', libraries];
  return spawnSync(process.execPath, [program, 'mnist', ...options, ...args], { encoding: 'utf8' });
}

/** The same libraries without one of them. */
async function without(name: string): Promise<string> {
  const copy = join(folder, 'less');
  for (const path of ['nvidia/cu13/lib', 'nvidia/cudnn/lib', 'onnxruntime/capi']) {
    await mkdir(join(copy, path), { recursive: true });
    for (const file of await readdir(join(CUDA, path))) {
      if (file !== name) await symlink(join(CUDA, path, file), join(copy, path, file));
    }
  }
  return copy;
}

it('a packed image has all that CUDA needs but the driver, and says so of that where there is none', async (context) => {
  needsCuda(context);
  needs(context, 'umoci', 'runc');
  needsRoot(context);
  const layout = join(folder, 'layout');
  const { status, stderr } = pack(CUDA, '-o', `oci:${layout}:1`);
  expect(status, stderr).toBe(0);
  const bundle = join(folder, 'bundle');
  runTool('umoci', 'unpack', '--image', `${layout}:1`, bundle);
  expect((await readdir(join(bundle, 'rootfs/opt/infless/cuda'))).length).toBeGreaterThan(LAYERS);
  const image = spawnSync(
    'chroot',
    [
      join(bundle, 'rootfs'),
      '/usr/local/bin/node',
      '/opt/infless/node_modules/infless/dist/packager/server/bin.js',
    ],
    {
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        INFLESS_MODEL: `/model/${(await readdir(join(bundle, 'rootfs/model')))[0]}`,
        INFLESS_MANIFEST: '/infless/manifest.json',
        INFLESS_PORT: '0',
        INFLESS_CACHE_DIR: '/tmp/infless',
        LD_LIBRARY_PATH: '/opt/infless/cuda',
        INFLESS_PROVIDER: 'cuda',
        INFLESS_GPU_PERCENT: '100',
      },
      encoding: 'utf8',
    },
  );
  expect(image.stderr).toContain(
    'error: The cuda provider needs an NVIDIA driver, and there is none here (libcuda.so.1 is not found).',
  );
  expect(image.status).toBe(4);
}, 180_000);

it('an image without one of them is refused before it goes anywhere', async (context) => {
  needsCuda(context);
  const { status, stderr } = pack(await without('libcudnn_ops.so.9'), '-t', 'registry.invalid/net:1');
  expect(stderr).toMatch(
    /error: Base host lacks .*: libcudnn_ops\.so\.9 \(for libcudnn\.so\.9\)\. .*nvidia-cudnn-cu13/,
  );
  expect(status).toBe(2);
}, 180_000);
