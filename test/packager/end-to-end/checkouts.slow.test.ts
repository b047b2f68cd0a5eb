import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rename, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot, packageVersion } from '../../../models/base/package.ts';
import { hostPlatform } from '../../../packager/contents/base/host-base.ts';
import { LayoutSource } from '../../../packager/layout/layout-source.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { readDocument } from '../../../packager/oci/document.ts';
import { imageConfigSchema } from '../../../packager/oci/schema.ts';
import { identityGraph, LINEAR, ModelFolder } from '../../support/tiny-models.ts';
import { baseImage } from '../contents/bases.ts';
import { DebianRegistry } from '../registry/debian-registry.ts';

const run = promisify(execFile);

let folder: ModelFolder;
let other: string;
beforeAll(async () => {
  folder = await ModelFolder.create();
  other = join(folder.path, 'another', 'checkout');
  await copyCheckout(other);
  const image = await baseImage(hostPlatform());
  const base = { root: image.manifest, images: [image], referrers: [] };
  await writeLayout(base, join(folder.path, 'base'));
}, 120_000);
afterAll(() => folder.remove());

/** Ours as somebody else has it: built, with production dependencies; every file is newer. */
async function copyCheckout(to: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(packageRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>;
  };
  const packages = Object.entries(lock.packages)
    .filter(
      ([path, { dev, optional }]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) && !dev && !optional,
    )
    .map(([path]) => path);
  await mkdir(to, { recursive: true });
  for (const path of ['dist', 'package.json', ...packages]) {
    await cp(join(packageRoot, path), join(to, path), {
      recursive: true,
      filter: (file) => !/\/bin\/napi-v6\/(?:darwin|win32)/.test(file),
    });
  }
}

/** Packs as a person does in that checkout, with a cache of its own, and gives what the command prints. */
async function packIn(checkout: string, model: string, ...args: readonly string[]): Promise<string> {
  const command = [
    join(checkout, 'dist/packager/bin.js'),
    model,
    '--base',
    `oci:${join(folder.path, 'base')}`,
  ];
  const environment = checkout === packageRoot ? {} : { INFLESS_CACHE_DIR: join(folder.path, 'cache') };
  const { stdout } = await run(process.execPath, [...command, ...args], {
    env: { ...process.env, ...environment },
  });
  return stdout.trim();
}

async function layersOf(tag: string): Promise<readonly string[]> {
  const source = new LayoutSource({ directory: join(folder.path, 'images'), tag });
  const { layers } = await source.fetch(hostPlatform());
  return layers.map(({ descriptor }) => descriptor.digest);
}

it('two checkouts, in different folders and of different times, make the same image', async () => {
  const model = await folder.write('net.onnx', LINEAR);
  const here = await packIn(packageRoot, model, '-o', `oci:${join(folder.path, 'here')}`);
  const there = await packIn(other, model, '-o', `oci:${join(folder.path, 'there')}`);
  expect(there).toBe(here);
  expect(here).toMatch(/^sha256:/);
}, 180_000);

it('installed into a project, it makes the same image as in a checkout', async () => {
  const model = await folder.write('net.onnx', LINEAR);
  const project = join(folder.path, 'project');
  const ours = join(project, 'node_modules', 'infless');
  await cp(join(other, 'node_modules'), join(project, 'node_modules'), { recursive: true });
  for (const path of ['dist', 'package.json'])
    await cp(join(other, path), join(ours, path), { recursive: true });
  const installed = await packIn(ours, model, '-o', `oci:${join(folder.path, 'installed')}`);
  expect(installed).toBe(await packIn(other, model, '-o', `oci:${join(folder.path, 'there')}`));
}, 180_000);

it('a checkout whose node_modules is a link makes the same image', async () => {
  const model = await folder.write('net.onnx', LINEAR);
  const linked = join(folder.path, 'linked');
  for (const path of ['dist', 'package.json'])
    await cp(join(other, path), join(linked, path), { recursive: true });
  await symlink(join(other, 'node_modules'), join(linked, 'node_modules'));
  const packed = await packIn(linked, model, '-o', `oci:${join(folder.path, 'of-linked')}`);
  expect(packed).toBe(await packIn(other, model, '-o', `oci:${join(folder.path, 'there')}`));
}, 180_000);

it('installed as pnpm does, each package in a folder of its own behind links, it makes one image wherever that is', async () => {
  const model = await folder.write('net.onnx', LINEAR);
  const project = join(folder.path, 'pnpm-project');
  const ours = await installAsPnpm(project);
  const packed = await packIn(ours, model, '-o', `oci:${join(folder.path, 'of-pnpm')}`);
  const moved = join(folder.path, 'moved', 'project');
  await mkdir(dirname(moved));
  await rename(project, moved);
  const again = join(moved, 'node_modules', 'infless');
  expect(await packIn(again, model, '-o', `oci:${join(folder.path, 'of-pnpm-again')}`)).toBe(packed);

  const source = new LayoutSource({ directory: join(folder.path, 'of-pnpm') });
  const { layers, config } = await source.fetch(hostPlatform());
  const { config: started } = await readDocument(config, imageConfigSchema, 'it', 'config');
  const runtime = join(folder.path, 'pnpm-runtime');
  await mkdir(runtime);
  await pipeline(layers[1]!.open(), createGunzip(), createWriteStream(join(folder.path, 'runtime.tar')));
  await run('tar', ['-xf', join(folder.path, 'runtime.tar'), '-C', runtime]);
  const program = join(runtime, started!.Entrypoint!.at(-1)!);
  const { stdout } = await run(process.execPath, [program, '--version'], { env: { PATH: '' } });
  expect(stdout.trim()).toBe(packageVersion);
}, 240_000);

/**
 * A project as pnpm lays it out: `node_modules` has links alone, and `.pnpm` the packages, each beside links
 * to those that it depends on.
 */
async function installAsPnpm(project: string): Promise<string> {
  const store = join(project, 'node_modules', '.pnpm');
  const names = await packagesIn(join(other, 'node_modules'));
  const folderOf = (name: string) => join(store, `${name.replace('/', '+')}@0.0.0`, 'node_modules');
  const linkInto = async (modules: string, name: string) => {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(relative(dirname(join(modules, name)), join(folderOf(name), name)), join(modules, name));
  };
  for (const name of names) {
    await cp(join(other, 'node_modules', name), join(folderOf(name), name), { recursive: true });
    const text = await readFile(join(other, 'node_modules', name, 'package.json'), 'utf8');
    const { dependencies, peerDependencies } = JSON.parse(text) as Record<string, object | undefined>;
    for (const needed of Object.keys({ ...peerDependencies, ...dependencies })) {
      if (names.includes(needed) && needed !== name) await linkInto(folderOf(name), needed);
    }
  }
  for (const path of ['dist', 'package.json']) {
    await cp(join(other, path), join(folderOf('infless'), 'infless', path), { recursive: true });
  }
  for (const name of names) await linkInto(folderOf('infless'), name);
  await linkInto(join(project, 'node_modules'), 'infless');
  return join(project, 'node_modules', 'infless');
}

async function packagesIn(modules: string): Promise<string[]> {
  const names = await readdir(modules);
  const scoped = names
    .filter((name) => name.startsWith('@'))
    .map(async (scope) => (await readdir(join(modules, scope))).map((name) => `${scope}/${name}`));
  return [...names.filter((name) => /^[^.@]/.test(name)), ...(await Promise.all(scoped)).flat()];
}

it('what has not changed is not sent again', async (context) => {
  const registry = await DebianRegistry.start(context);
  const model = await folder.write('net.onnx', LINEAR);
  const push = async (tag: string): Promise<number> => {
    await packIn(other, model, '-o', `oci:${join(folder.path, 'images')}:${tag}`);
    await registry.requests();
    await packIn(other, model, '--insecure', '-t', `${registry.host}/net:${tag}`);
    const requests = await registry.requests();
    return requests.filter((line) => /^PUT .*\/blobs\/uploads\/.* 201$/.test(line)).length;
  };
  const kept = async (before: string, after: string) => {
    const earlier = await layersOf(before);
    return (await layersOf(after)).map((digest, index) => digest === earlier[index]);
  };

  await push('1');
  expect(await push('1')).toBe(0);

  await folder.write('net.onnx', identityGraph('float32', ['N', 3]));
  expect(await push('2')).toBe(4); // model, description, the image's config, the SBOM attached
  expect(await kept('1', '2')).toEqual([true, true, false, false]);

  await appendFile(join(other, 'dist/packager/server/serve.js'), '\n// changed\n');
  expect(await push('3')).toBe(2); // runtime, the image's config
  expect(await kept('2', '3')).toEqual([true, false, true, true]);
}, 180_000);
