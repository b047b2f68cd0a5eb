import { buildLayer } from '../../../packager/layers/build-layer.ts';
import type { LayerBlob } from '../../../packager/layers/compressed-layer.ts';
import { jsonBlob } from '../../../packager/oci/blob.ts';
import type { Bundle, Image, Referrer } from '../../../packager/oci/image.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import type { ImageConfig, ImageIndex, ImageManifest, Platform } from '../../../packager/oci/schema.ts';
import type { TarEntry } from '../../../packager/tar/tar-entry.ts';
import { textFile } from './entries.ts';

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
export const ARM64: Platform = { os: 'linux', architecture: 'arm64' };

export interface SampleOptions {
  readonly platform?: Platform;
  readonly runtime?: readonly TarEntry[];
  readonly weights?: readonly TarEntry[];
}

/** An image of two layers, a compressed and a plain one. */
export async function sampleImage(options: SampleOptions = {}): Promise<Image> {
  const {
    platform = AMD64,
    runtime = [textFile('app/main.js', 'console.log(1);\n'.repeat(100), 0o755)],
    weights = [textFile('models/weights.bin', 'seven'.repeat(1000))],
  } = options;
  const layers = [
    await buildLayer(runtime, { compress: true, title: 'runtime' }),
    await buildLayer(weights, { compress: false, title: 'weights' }),
  ];
  return imageOf(platform, layers);
}

export function imageOf(platform: Platform, layers: readonly LayerBlob[]): Image {
  const config = jsonBlob(
    {
      ...platform,
      created: '1970-01-01T00:00:00Z',
      config: {
        User: '65532',
        ExposedPorts: { '8080/tcp': {} },
        Env: ['HOST=0.0.0.0', 'GREETING=say "hello" for $5'],
        Entrypoint: ['/app/main.js'],
        Cmd: ['--quiet', 'a b'],
        WorkingDir: '/app',
        Labels: { 'org.opencontainers.image.title': 'sample', note: 'two\nlines' },
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(({ title }) => ({ created: '1970-01-01T00:00:00Z', comment: title })),
    } satisfies ImageConfig,
    MEDIA_TYPES.config,
  );
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return { platform, config, layers, manifest: jsonBlob(manifest, MEDIA_TYPES.manifest) };
}

/** One image is its own root, several are below an index. */
export function bundleOf(images: readonly Image[], referrers: readonly Referrer[] = []): Bundle {
  if (images.length === 1) return { root: images[0]!.manifest, images, referrers };
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return { root: jsonBlob(index, MEDIA_TYPES.index), images, referrers };
}

/** A document about an image. */
export function referrerTo(image: Image, text: string): Referrer {
  const config = jsonBlob({}, MEDIA_TYPES.empty);
  const document = jsonBlob({ text }, 'application/json');
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: 'application/vnd.example.note',
    config: config.descriptor,
    layers: [document.descriptor],
    subject: image.manifest.descriptor,
  };
  return { manifest: jsonBlob(manifest, MEDIA_TYPES.manifest), blobs: [config, document] };
}
