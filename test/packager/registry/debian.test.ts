import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { verified } from '../../../packager/oci/verified.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../packager/registry/registry-source.ts';
import { DebianRegistry, noRegistry } from './debian-registry.ts';
import { type Desk, desk } from './harness.ts';
import { AMD64, ARM64, bundleOf, imageOf, indexOf, layer, referrerOf } from './images.ts';

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

describe.skipIf(noRegistry)(`Debian's registry${noRegistry ? ` (${noRegistry})` : ''}`, () => {
  test('an image goes there and comes back as it was', async () => {
    const registry = await DebianRegistry.start();
    const reference = parseReference(`${registry.host}/team/model:v1`);
    const image = imageOf([layer('base'), layer('weights', 300_000)]);
    const report = await pushBundle(bundleOf(image), reference, options);
    expect(report).toEqual({
      reference: { ...reference, digest: image.manifest.descriptor.digest },
      counts: { present: 0, mounted: 0, pushed: 4 },
      sentBytes: 301_000 + image.config.descriptor.size + image.manifest.descriptor.size,
    });

    const source = new RegistrySource(reference, options);
    const pulled = await source.fetch(AMD64);
    expect(pulled.manifest.descriptor).toEqual(image.manifest.descriptor);
    for (const [index, blob] of [image.config, ...image.layers].entries()) {
      const copy = [pulled.config, ...pulled.layers][index]!;
      expect(copy.descriptor).toEqual(blob.descriptor);
      await buffer(verified(copy, source.name));
    }
    const weights = await buffer(image.layers[1]!.open());
    expect(await buffer(pulled.layers[1]!.open(299_990))).toEqual(weights.subarray(299_990));
  });

  test('what is there is not sent again; what changed is', async () => {
    const registry = await DebianRegistry.start();
    const reference = parseReference(`${registry.host}/model:v1`);
    const base = layer('base');
    await pushBundle(bundleOf(imageOf([base, layer('weights 1')])), reference, options);
    await registry.requests();

    const again = await pushBundle(bundleOf(imageOf([base, layer('weights 1')])), reference, options);
    expect(again).toMatchObject({ counts: { present: 4, mounted: 0, pushed: 0 }, sentBytes: 0 });
    const asked = await registry.requests();
    expect(asked).toHaveLength(4);
    expect(asked.every((line) => line.startsWith('HEAD') && line.endsWith('200'))).toBe(true);

    const changed = imageOf([base, layer('weights 2')]);
    await pushBundle(bundleOf(changed), reference, options);
    const written = (await registry.requests()).filter((line) => line.startsWith('PUT'));
    expect(written).toHaveLength(3); // weights, config, manifest
    expect(written.at(-1)).toBe('PUT /v2/model/manifests/v1 201');
  });

  test('another repository of the registry gives what it has', async () => {
    const registry = await DebianRegistry.start();
    const first = parseReference(`${registry.host}/team/first:v1`);
    const second = parseReference(`${registry.host}/second:v1`);
    const runtime = layer('runtime');
    await pushBundle(bundleOf(imageOf([runtime, layer('weights 1')])), first, options);
    const report = await pushBundle(bundleOf(imageOf([runtime, layer('weights 2')])), second, options);
    expect(report.counts).toEqual({ present: 0, mounted: 1, pushed: 3 });

    // A base that was pulled says itself where it lies, to someone who has never pushed it.
    const base = await new RegistrySource(first, options).fetch(AMD64);
    const elsewhere = { ...options, environment: { INFLESS_CACHE_DIR: '/nonexistent/cache' } };
    const third = parseReference(`${registry.host}/third:v1`);
    const built = await pushBundle(bundleOf(imageOf([...base.layers, layer('3')])), third, elsewhere);
    expect(built.counts).toEqual({ present: 0, mounted: 2, pushed: 3 });
  });

  test('an index of two platforms, and the one that is asked for', async () => {
    const registry = await DebianRegistry.start();
    const reference = parseReference(`${registry.host}/model:v1`);
    const images = [imageOf([layer('amd64')], AMD64), imageOf([layer('arm64')], ARM64)];
    await pushBundle(indexOf(...images), reference, options);
    const source = new RegistrySource(reference, options);
    const arm = await source.fetch(ARM64);
    expect(arm.manifest.descriptor.digest).toBe(images[1]!.manifest.descriptor.digest);
    await expect(source.fetch({ os: 'windows', architecture: 'amd64' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      sentence: `${source.name} has no image for windows/amd64. It has linux/amd64, linux/arm64: choose one of these, or another image.`,
    });
    expect((await source.fetchAll()).images).toHaveLength(2);
  });

  test('an image for another platform than asked', async () => {
    const registry = await DebianRegistry.start();
    const reference = parseReference(`${registry.host}/model:v1`);
    await pushBundle(bundleOf(imageOf([layer('arm64')], ARM64)), reference, options);
    await expect(new RegistrySource(reference, options).fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `${registry.host}/model:v1 is for linux/arm64, not for linux/amd64`,
    });
  });

  test('what refers to an image is found by the tag that stands in for the interface this registry lacks', async () => {
    const registry = await DebianRegistry.start();
    const reference = parseReference(`${registry.host}/model:v1`);
    const image = imageOf([layer('weights')]);
    const [sbom, note] = [referrerOf(image.manifest, 'an SBOM'), referrerOf(image.manifest, 'a note')];
    await pushBundle(bundleOf(image, [sbom]), reference, options);
    await pushBundle(bundleOf(image, [sbom, note]), reference, options);
    const { referrers } = await new RegistrySource(reference, options).fetchAll();
    expect(referrers.map(({ manifest }) => manifest.descriptor)).toEqual(
      [sbom, note].map(({ manifest }) => ({
        ...manifest.descriptor,
        artifactType: 'application/spdx+json',
      })),
    );
    expect((await buffer(referrers[1]!.blobs[1]!.open())).toString()).toBe('a note');
  });

  test('a name that is not there', async () => {
    const registry = await DebianRegistry.start();
    const source = new RegistrySource(parseReference(`${registry.host}/nothing:v1`), options);
    await expect(source.fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `There is no image ${registry.host}/nothing:v1`,
    });
  });
});
