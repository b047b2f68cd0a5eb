import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { verified } from '../../../packager/oci/verified.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../packager/registry/registry-source.ts';
import { AMD64, ARM64, bundleOf, imageOf, referrerTo } from '../oci/sample-bundle.ts';
import { DebianRegistry } from '../registry/debian-registry.ts';
import { type Desk, desk } from '../registry/harness.ts';
import { layer } from '../registry/images.ts';

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

/** In parts, so that there is time to stop in between. */
async function* slowly(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    for (let position = 0; position < chunk.byteLength; position += 1_000_000) {
      yield chunk.subarray(position, position + 1_000_000);
      await sleep(5);
    }
  }
}

describe("Debian's registry", () => {
  test('an image goes there and comes back as it was', async (context) => {
    const registry = await DebianRegistry.start(context);
    const reference = parseReference(`${registry.host}/team/model:v1`);
    const image = imageOf(AMD64, [layer('base'), layer('weights', 300_000)]);
    const report = await pushBundle(bundleOf([image]), reference, options);
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

  test('what is there is not sent again; what changed is', async (context) => {
    const registry = await DebianRegistry.start(context);
    const reference = parseReference(`${registry.host}/model:v1`);
    const base = layer('base');
    await pushBundle(bundleOf([imageOf(AMD64, [base, layer('weights 1')])]), reference, options);
    await registry.requests();

    const again = await pushBundle(
      bundleOf([imageOf(AMD64, [base, layer('weights 1')])]),
      reference,
      options,
    );
    expect(again).toMatchObject({ counts: { present: 4, mounted: 0, pushed: 0 }, sentBytes: 0 });
    const asked = await registry.requests();
    expect(asked).toHaveLength(4);
    expect(asked.every((line) => line.startsWith('HEAD') && line.endsWith('200'))).toBe(true);

    const changed = imageOf(AMD64, [base, layer('weights 2')]);
    await pushBundle(bundleOf([changed]), reference, options);
    const written = (await registry.requests()).filter((line) => line.startsWith('PUT'));
    expect(written).toHaveLength(3); // weights, config, manifest
    expect(written.at(-1)).toBe('PUT /v2/model/manifests/v1 201');
  });

  test('another repository of the registry gives what it has', async (context) => {
    const registry = await DebianRegistry.start(context);
    const first = parseReference(`${registry.host}/team/first:v1`);
    const second = parseReference(`${registry.host}/second:v1`);
    const runtime = layer('runtime');
    await pushBundle(bundleOf([imageOf(AMD64, [runtime, layer('weights 1')])]), first, options);
    const report = await pushBundle(
      bundleOf([imageOf(AMD64, [runtime, layer('weights 2')])]),
      second,
      options,
    );
    expect(report.counts).toEqual({ present: 0, mounted: 1, pushed: 3 });

    // A base that was pulled says itself where it lies, to someone who has never pushed it.
    const base = await new RegistrySource(first, options).fetch(AMD64);
    const elsewhere = { ...options, environment: { INFLESS_CACHE_DIR: '/nonexistent/cache' } };
    const third = parseReference(`${registry.host}/third:v1`);
    const layers = base.layers.map((blob) => ({ ...blob, diffId: blob.descriptor.digest, title: 'base' }));
    const built = await pushBundle(bundleOf([imageOf(AMD64, [...layers, layer('3')])]), third, elsewhere);
    expect(built.counts).toEqual({ present: 0, mounted: 2, pushed: 3 });
  });

  test('an index of two platforms, and the one that is asked for', async (context) => {
    const registry = await DebianRegistry.start(context);
    const reference = parseReference(`${registry.host}/model:v1`);
    const images = [imageOf(AMD64, [layer('amd64')]), imageOf(ARM64, [layer('arm64')])];
    await pushBundle(bundleOf(images), reference, options);
    const source = new RegistrySource(reference, options);
    const arm = await source.fetch(ARM64);
    expect(arm.manifest.descriptor.digest).toBe(images[1]!.manifest.descriptor.digest);
    await expect(source.fetch({ os: 'windows', architecture: 'amd64' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      sentence: `${source.name} has no image for windows/amd64. It has linux/amd64, linux/arm64: choose one of these, or another image.`,
    });
    expect((await source.fetchAll()).images.map(({ platform }) => platform)).toEqual([AMD64, ARM64]);
  });

  test('an image for another platform than asked', async (context) => {
    const registry = await DebianRegistry.start(context);
    const reference = parseReference(`${registry.host}/model:v1`);
    await pushBundle(bundleOf([imageOf(ARM64, [layer('arm64')])]), reference, options);
    await expect(new RegistrySource(reference, options).fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `${registry.host}/model:v1 is for linux/arm64, not for linux/amd64`,
    });
  });

  test('what refers to an image is found by the tag that stands in for the interface this registry lacks', async (context) => {
    const registry = await DebianRegistry.start(context);
    const reference = parseReference(`${registry.host}/model:v1`);
    const images = [imageOf(AMD64, [layer('amd64')]), imageOf(ARM64, [layer('arm64')])];
    const [sbom, note, other] = [
      referrerTo(images[0]!, 'an SBOM'),
      referrerTo(images[0]!, 'a note'),
      referrerTo(images[1]!, 'another SBOM'),
    ];
    await pushBundle(bundleOf(images, [sbom, other]), reference, options);
    await pushBundle(bundleOf(images, [sbom, note, other]), reference, options);
    const { referrers } = await new RegistrySource(reference, options).fetchAll();
    expect(referrers.map(({ manifest }) => manifest.descriptor)).toEqual(
      [sbom, note, other].map(({ manifest }) => ({
        ...manifest.descriptor,
        artifactType: 'application/vnd.example.note',
      })),
    );
    expect((await buffer(referrers[1]!.blobs[1]!.open())).toString()).toBe('{"text":"a note"}');
  });

  test('a push that is stopped has named nothing, and can be done again', async (context) => {
    const registry = await DebianRegistry.start(context);
    const reference = parseReference(`${registry.host}/model:v1`);
    const weights = layer('weights', 20_000_000);
    const slow = {
      ...weights,
      open: () => Readable.from(slowly(weights.open()), { objectMode: false }),
    };
    const bundle = bundleOf([imageOf(AMD64, [slow])]);
    const controller = new AbortController();
    const push = pushBundle(bundle, reference, {
      ...options,
      signal: controller.signal,
      onProgress: (event) => {
        if (event.type === 'sending' && event.sentBytes > 5_000_000) controller.abort(new Error('enough'));
      },
    });
    await expect(push).rejects.toThrow('enough');
    await expect(new RegistrySource(reference, options).fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
    const asked = await registry.requests();
    expect(asked).toContainEqual(expect.stringMatching(/^DELETE .*\/uploads\//));
    const report = await pushBundle(bundle, reference, options);
    expect(report.counts.pushed).toBeGreaterThanOrEqual(2);
  });

  test('a name that is not there', async (context) => {
    const registry = await DebianRegistry.start(context);
    const source = new RegistrySource(parseReference(`${registry.host}/nothing:v1`), options);
    await expect(source.fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `There is no image ${registry.host}/nothing:v1`,
    });
  });
});
