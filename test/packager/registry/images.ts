import { createHash } from 'node:crypto';
import { type Blob, bytesBlob, jsonBlob } from '../../../packager/oci/blob.ts';
import type { Bundle, Image, Referrer } from '../../../packager/oci/image.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import type { ImageConfig, ImageIndex, ImageManifest, Platform } from '../../../packager/oci/schema.ts';

/** Bytes that look random and are the same each time. */
export function noise(seed: string, sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let block = createHash('sha256').update(seed).digest();
  for (let position = 0; position < sizeBytes; position += block.byteLength) {
    block = createHash('sha256').update(block).digest();
    block.copy(bytes, position);
  }
  return bytes;
}

export function layer(seed: string, sizeBytes = 1000): Blob {
  return bytesBlob(noise(seed, sizeBytes), MEDIA_TYPES.layer);
}

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
export const ARM64: Platform = { os: 'linux', architecture: 'arm64' };

/** An image of these layers; its config is what registries and tools ask for. */
export function imageOf(layers: readonly Blob[], platform: Platform = AMD64): Image {
  const config = jsonBlob(
    {
      ...platform,
      config: { User: '65532' },
      rootfs: { type: 'layers', diff_ids: layers.map((blob) => blob.descriptor.digest) },
      history: layers.map(() => ({ created: '1970-01-01T00:00:00Z' })),
    } satisfies ImageConfig,
    MEDIA_TYPES.config,
  );
  const manifest = jsonBlob(
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: config.descriptor,
      layers: layers.map((blob) => blob.descriptor),
    } satisfies ImageManifest,
    MEDIA_TYPES.manifest,
  );
  return { platform, manifest, config, layers };
}

export function bundleOf(image: Image, referrers: readonly Referrer[] = []): Bundle {
  return { root: image.manifest, images: [image], referrers };
}

export function indexOf(...images: readonly Image[]): Bundle {
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return { root: jsonBlob(index, MEDIA_TYPES.index), images, referrers: [] };
}

/** A document about an image, as an SBOM is attached. */
export function referrerOf(subject: Blob, text: string): Referrer {
  const config = bytesBlob(Buffer.from('{}'), MEDIA_TYPES.empty);
  const document = bytesBlob(Buffer.from(text), 'application/spdx+json');
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: 'application/spdx+json',
    config: config.descriptor,
    layers: [document.descriptor],
    subject: subject.descriptor,
  };
  return { manifest: jsonBlob(manifest, MEDIA_TYPES.manifest), blobs: [config, document] };
}
