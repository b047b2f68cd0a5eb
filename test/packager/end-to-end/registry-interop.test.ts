import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { imageFacts } from '../../../packager/inspect/image-facts.ts';
import { writeDockerArchive } from '../../../packager/layout/write-docker-archive.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { verifyBundle } from '../../../packager/oci/verify-bundle.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../packager/registry/registry-source.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { describedBundle } from '../../support/described-image.ts';
import { needs, needsRoot, runTool } from '../../support/tools.ts';
import { AMD64, ARM64, bundleOf, referrerTo, sampleImage } from '../oci/sample-bundle.ts';
import { DebianRegistry } from '../registry/debian-registry.ts';
import { type Desk, desk } from '../registry/harness.ts';

const TABLE = table([cell(1, 1000, 5)]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
  vi.stubEnv('INFLESS_CACHE_DIR', options.environment.INFLESS_CACHE_DIR); // where layers are kept
});

afterEach(() => vi.unstubAllEnvs());

/** @param name without the registry: `team/model:v1` */
function addressOf(registry: DebianRegistry, name: string) {
  const text = `${registry.host}/${name}`;
  return { reference: parseReference(text), docker: `docker://${text}` };
}

describe('skopeo', () => {
  test('finds what we pushed, and takes it along', async (context) => {
    needs(context, 'skopeo');
    const registry = await DebianRegistry.start(context);
    const image = await sampleImage();
    const { reference, docker } = addressOf(registry, 'team/model:v1');
    await pushBundle(bundleOf([image], [referrerTo(image, 'an SBOM')]), reference, options);
    expect(JSON.parse(runTool('skopeo', 'inspect', '--tls-verify=false', docker))).toMatchObject({
      Digest: image.manifest.descriptor.digest,
      Architecture: 'amd64',
      Layers: image.layers.map(({ descriptor }) => descriptor.digest),
    });
    const copy = join(options.environment.HOME, 'copy');
    runTool('skopeo', 'copy', '--src-tls-verify=false', '--preserve-digests', docker, `oci:${copy}:v1`);
    expect(JSON.parse(runTool('skopeo', 'inspect', `oci:${copy}:v1`))).toMatchObject({
      Digest: image.manifest.descriptor.digest,
    });
  });

  test('chooses among the platforms we pushed', async (context) => {
    needs(context, 'skopeo');
    const registry = await DebianRegistry.start(context);
    const { reference, docker } = addressOf(registry, 'model:v1');
    const images = [await sampleImage(), await sampleImage({ platform: ARM64 })];
    await pushBundle(bundleOf(images), reference, options);
    const inspect = ['--override-arch', 'arm64', 'inspect', '--tls-verify=false', docker];
    expect(JSON.parse(runTool('skopeo', ...inspect))).toMatchObject({ Architecture: 'arm64' });
    const raw = JSON.parse(runTool('skopeo', 'inspect', '--raw', '--tls-verify=false', docker));
    expect(raw.manifests.map(({ digest }: { digest: string }) => digest)).toEqual(
      images.map(({ manifest }) => manifest.descriptor.digest),
    );
  });

  test("brings images in Docker's format that are bases for us", async (context) => {
    needs(context, 'skopeo');
    const registry = await DebianRegistry.start(context);
    const { reference, docker } = addressOf(registry, 'base:v1');
    const image = await sampleImage();
    const archive = join(options.environment.HOME, 'sample.tar');
    await writeDockerArchive(bundleOf([image]), archive, 'sample:v1');
    runTool(
      'skopeo',
      'copy',
      '--format=v2s2',
      '--dest-tls-verify=false',
      `docker-archive:${archive}`,
      docker,
    );
    const source = new RegistrySource(reference, options);
    const base = await source.fetch(AMD64);
    expect(base.manifest.descriptor.mediaType).toBe(MEDIA_TYPES.dockerManifest);
    expect(base.layers).toHaveLength(2);
    const { problems } = await verifyBundle(await source.fetchAll(), source.name);
    expect(problems).toEqual([]);
  });

  test("turns our images into Docker's format, and they still say what they are", async (context) => {
    needs(context, 'skopeo');
    const registry = await DebianRegistry.start(context);
    const ours = addressOf(registry, 'served:v1');
    const theirs = addressOf(registry, 'served:v2');
    const bundle = await describedBundle(TABLE);
    await pushBundle(bundle, ours.reference, options);
    const archive = join(options.environment.HOME, 'served.tar');
    await writeDockerArchive(bundle, archive, 'served:v2');
    runTool('skopeo', 'copy', '--dest-tls-verify=false', `docker-archive:${archive}`, theirs.docker);
    const source = new RegistrySource(theirs.reference, options);
    const image = await source.fetch(AMD64);
    // Annotations are gone, and a plain layer that the registry had is called compressed.
    expect(image.layers[0]!.descriptor.mediaType).toBe(MEDIA_TYPES.dockerLayerGzip);
    expect(await imageFacts(image, source.name)).toMatchObject({ model: TABLE.model, profile: TABLE });
    const { problems } = await verifyBundle(await source.fetchAll(), source.name);
    expect(problems).toEqual([]);
  });
});

describe('umoci', () => {
  test('unpacks what came from a registry', async (context) => {
    needs(context, 'umoci');
    needsRoot(context);
    const registry = await DebianRegistry.start(context);
    const { reference } = addressOf(registry, 'model:v1');
    await pushBundle(bundleOf([await sampleImage()]), reference, options);
    const { HOME } = options.environment;
    const pulled = await new RegistrySource(reference, options).fetchAll();
    await writeLayout(pulled, join(HOME, 'layout'), { tag: 'v1' });
    runTool('umoci', 'unpack', '--image', `${join(HOME, 'layout')}:v1`, join(HOME, 'unpacked'));
    const root = join(HOME, 'unpacked', 'rootfs');
    expect(await readFile(join(root, 'models', 'weights.bin'), 'utf8')).toBe('seven'.repeat(1000));
    expect((await stat(join(root, 'app', 'main.js'))).mode & 0o777).toBe(0o755);
  });
});
