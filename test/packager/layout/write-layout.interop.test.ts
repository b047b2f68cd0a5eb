import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LayoutSource } from '../../../packager/layout/layout-source.ts';
import { writeDockerArchive } from '../../../packager/layout/write-docker-archive.ts';
import { writeDockerfile } from '../../../packager/layout/write-dockerfile.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import type { Image } from '../../../packager/oci/image.ts';
import { readVerified } from '../../../packager/oci/verified.ts';
import { needs, needsRoot, runTool } from '../../support/tools.ts';
import { textFile } from '../oci/entries.ts';
import { AMD64, ARM64, bundleOf, referrerTo, sampleImage } from '../oci/sample-bundle.ts';
import { Containerd } from './containerd.ts';

const NAME = 'registry.example/team/sample:1.0';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-interop-'));
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder, 'cache'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Paths that a tar or an unpacker finds hard, each with what it holds. */
function awkward() {
  const long = `${'long-'.repeat(30)}name`;
  return sampleImage({
    runtime: [
      textFile('app/main.js', 'console.log(1);', 0o755),
      textFile(`app/${long}/${long}.js`, 'long'),
      textFile('app/Größe.txt', 'letters of two bytes'),
      { type: 'symlink', path: 'app/start', target: `${long}/${long}.js` },
      { type: 'directory', path: 'tmp', mode: 0o1777 },
    ],
  });
}

async function configOf(image: Image) {
  return JSON.parse((await readVerified(image.config, 'config')).toString());
}

describe('skopeo', () => {
  it('reads a layout, whatever else is in it', async (context) => {
    needs(context, 'skopeo');
    const image = await awkward();
    const layout = join(folder, 'layout');
    await writeLayout(bundleOf([image], [referrerTo(image, 'about it')]), layout, { tag: '1.0' });
    const inspected = JSON.parse(runTool('skopeo', 'inspect', `oci:${layout}:1.0`));
    expect(inspected).toMatchObject({
      Digest: image.manifest.descriptor.digest,
      Architecture: 'amd64',
      Layers: image.layers.map(({ descriptor }) => descriptor.digest),
    });
    const copy = join(folder, 'copy');
    runTool('skopeo', 'copy', '--preserve-digests', `oci:${layout}:1.0`, `oci:${copy}:1.0`);
    const copied = await new LayoutSource({ directory: copy, tag: '1.0' }).fetch(AMD64);
    expect(copied.manifest.descriptor.digest).toBe(image.manifest.descriptor.digest);
  });

  it('chooses the platform of a layout with several', async (context) => {
    needs(context, 'skopeo');
    const arm = await sampleImage({ platform: ARM64 });
    const layout = join(folder, 'layout');
    await writeLayout(bundleOf([await sampleImage(), arm]), layout, { tag: 'both' });
    const inspected = runTool('skopeo', '--override-arch', 'arm64', 'inspect', `oci:${layout}:both`);
    expect(JSON.parse(inspected)).toMatchObject({ Architecture: 'arm64' });
  });

  it('reads a Docker archive both ways that archives are read', async (context) => {
    needs(context, 'skopeo');
    const image = await awkward();
    const file = join(folder, 'archives', 'sample.tar');
    await writeDockerArchive(bundleOf([image], [referrerTo(image, 'about it')]), file, NAME);
    const { rootfs, config } = await configOf(image);
    for (const transport of ['docker-archive', 'oci-archive']) {
      expect(JSON.parse(runTool('skopeo', 'inspect', '--config', `${transport}:${file}`))).toMatchObject({
        rootfs,
        config: { Entrypoint: config.Entrypoint, User: config.User },
      });
      runTool('skopeo', 'copy', `${transport}:${file}`, `oci:${join(folder, transport)}:1.0`);
    }
    const { Digest } = JSON.parse(runTool('skopeo', 'inspect', `oci-archive:${file}`));
    expect(Digest).toBe(image.manifest.descriptor.digest);
    expect(runTool('skopeo', 'list-tags', `docker-archive:${file}`)).toContain(NAME);
  });

  it('writes layouts that are bases for us', async (context) => {
    needs(context, 'skopeo');
    const image = await sampleImage();
    const archive = join(folder, 'sample.tar');
    await writeDockerArchive(bundleOf([image]), archive, NAME);
    const layout = join(folder, 'layout');
    runTool('skopeo', 'copy', `docker-archive:${archive}`, `oci:${layout}`);
    const base = await new LayoutSource({ directory: layout }).fetch(AMD64);
    expect((await configOf(base)).rootfs).toEqual((await configOf(image)).rootfs);
  });
});

describe('containerd', () => {
  it('imports a Docker archive with its name, its digest and all of its layers', async (context) => {
    const containerd = await Containerd.start(context, folder);
    const image = await awkward();
    const file = join(folder, 'sample.tar');
    await writeDockerArchive(bundleOf([image], [referrerTo(image, 'about it')]), file, NAME);
    // Unpacking compares each layer with its digest in the config; this way of it needs no file system of its
    // own.
    containerd.ctr('images', 'import', '--snapshotter', 'native', file);
    const { digest } = image.manifest.descriptor;
    const listed = containerd.ctr('images', 'ls').split('\n');
    expect(listed.filter((line) => line.includes(digest)).map((line) => line.split(' ')[0])).toEqual([NAME]);
    const checked = containerd.ctr('images', 'check', '--snapshotter', 'native');
    expect(checked).toMatch(/sample:1\.0 .*complete \((\d)\/\1\).*true/);
  });
});

describe('umoci', () => {
  it('unpacks a layout', async (context) => {
    needs(context, 'umoci');
    needsRoot(context);
    const layout = join(folder, 'layout');
    await writeLayout(bundleOf([await awkward()]), layout, { tag: '1.0' });
    runTool('umoci', 'unpack', '--image', `${layout}:1.0`, join(folder, 'unpacked'));
    await expectAwkwardRoot(join(folder, 'unpacked', 'rootfs'));
  });
});

describe('buildah', () => {
  it('builds the same image from the Dockerfile', async (context) => {
    needs(context, 'buildah', 'umoci');
    needsRoot(context);
    const image = await awkward();
    const directory = join(folder, 'context');
    await writeDockerfile(bundleOf([image]), directory);
    expect((await readdir(directory)).sort()).toEqual(['Dockerfile', 'layer-1.tar.gz', 'layer-2.tar']);
    const storage = [
      '--root',
      join(folder, 'storage'),
      '--runroot',
      join(folder, 'run'),
      '--storage-driver',
      'vfs',
    ];
    runTool('buildah', ...storage, 'bud', '--quiet', '--isolation', 'chroot', '-t', 'sample', directory);
    const layout = join(folder, 'built');
    runTool('buildah', ...storage, 'push', 'sample', `oci:${layout}:1.0`);

    const built = await new LayoutSource({ directory: layout, tag: '1.0' }).fetch(AMD64);
    const { config } = await configOf(image);
    expect((await configOf(built)).config).toMatchObject({
      ...config,
      Env: expect.arrayContaining(config.Env),
      Labels: { ...config.Labels, note: 'two lines' },
    });
    runTool('umoci', 'unpack', '--image', `${layout}:1.0`, join(folder, 'unpacked'));
    await expectAwkwardRoot(join(folder, 'unpacked', 'rootfs'));
  });
});

async function expectAwkwardRoot(root: string): Promise<void> {
  expect(await readFile(join(root, 'app', 'start'), 'utf8')).toBe('long');
  expect(await readFile(join(root, 'app', 'Größe.txt'), 'utf8')).toBe('letters of two bytes');
  expect((await readFile(join(root, 'models', 'weights.bin'), 'utf8')).length).toBe(5000);
  expect((await stat(join(root, 'tmp'))).mode & 0o7777).toBe(0o1777);
  expect((await stat(join(root, 'app', 'main.js'))).mode & 0o7777).toBe(0o755);
  expect((await stat(join(root, 'models', 'weights.bin'))).uid).toBe(0);
}
