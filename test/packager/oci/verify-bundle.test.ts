import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LayerBlob } from '../../../packager/layers/compressed-layer.ts';
import { type Blob, bytesBlob, digestOf } from '../../../packager/oci/blob.ts';
import type { Bundle, Image } from '../../../packager/oci/image.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { verifyBundle } from '../../../packager/oci/verify-bundle.ts';
import { AMD64, bundleOf, imageOf, sampleImage } from './sample-bundle.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-verify-'));
  vi.stubEnv('INFLESS_CACHE_DIR', folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** The blob with one bit of one byte turned. */
function damaged(blob: Blob, position: number): Blob {
  return {
    descriptor: blob.descriptor,
    open: () =>
      Readable.from(
        (async function* () {
          const bytes = await buffer(blob.open());
          bytes[position]! ^= 1;
          yield bytes;
        })(),
        { objectMode: false },
      ),
  };
}

function withLayers(image: Image, layers: readonly Blob[]): Bundle {
  return bundleOf([{ ...image, layers }]);
}

describe('verifying', () => {
  it('finds nothing wrong with what is right', async () => {
    const image = await sampleImage();
    const result = await verifyBundle(bundleOf([image]), 'it');
    const sizes = [image.config, image.manifest, ...image.layers].map(({ descriptor }) => descriptor.size);
    expect(result).toEqual({ blobs: 4, sizeBytes: sizes.reduce((a, b) => a + b), problems: [] });
  });

  it('finds nothing wrong with a plain layer that a tool on the way calls gzip', async () => {
    const image = await sampleImage();
    const layers = image.layers.map(({ descriptor, ...layer }) => ({
      ...layer,
      descriptor: { ...descriptor, mediaType: MEDIA_TYPES.dockerLayerGzip },
    }));
    expect((await verifyBundle(withLayers(image, layers), 'it')).problems).toEqual([]);
  });

  it('finds one wrong bit in each of two layers', async () => {
    const image = await sampleImage();
    const positions = [100, 1000];
    const layers = image.layers.map((layer, i) => damaged(layer, positions[i]!));
    const { problems } = await verifyBundle(withLayers(image, layers), 'it');
    expect(problems).toEqual(
      image.layers.map(({ descriptor }) =>
        expect.stringMatching(
          new RegExp(`^it has digest sha256:[0-9a-f]{64} where ${descriptor.digest} is expected.$`),
        ),
      ),
    );
  });

  it('finds a layer whose compressed data end too early', async () => {
    const whole = (await sampleImage()).layers[0] as LayerBlob;
    const cut = bytesBlob((await buffer(whole.open())).subarray(0, -20), MEDIA_TYPES.layerGzip);
    const image = imageOf(AMD64, [{ ...whole, ...cut }]);
    expect((await verifyBundle(bundleOf([image]), 'it')).problems).toEqual([
      `it has a layer ${cut.descriptor.digest} that cannot be uncompressed.`,
    ]);
  });

  it('finds a config that speaks of other layers', async () => {
    const image = await sampleImage();
    const [runtime, weights] = image.layers as LayerBlob[];
    const lie = imageOf(AMD64, [{ ...runtime!, diffId: digestOf('other') }, weights!]);
    expect((await verifyBundle(bundleOf([lie]), 'it')).problems).toEqual([
      `it has a layer ${runtime!.descriptor.digest} whose content is ${runtime!.diffId} where its config says ${digestOf('other')}.`,
    ]);
    const { problems } = await verifyBundle(withLayers(image, [weights!]), 'it');
    expect(problems).toEqual(['it has 1 layers where its config names 2.']);
  });

  it('stops where it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(verifyBundle(bundleOf([await sampleImage()]), 'it', { signal })).rejects.toThrow('aborted');
  });

  it('passes on that a blob cannot be read at all', async () => {
    const image = await sampleImage();
    const unread = {
      ...image.layers[1]!,
      open: () => new Readable({ read: () => {} }).destroy(new Error('no link')),
    };
    await expect(verifyBundle(withLayers(image, [unread]), 'it')).rejects.toThrow('no link');
  });
});
