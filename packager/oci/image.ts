import type { Blob } from './blob.ts';
import type { Platform } from './schema.ts';

/** An image of one platform: manifest, config, and the layers in the manifest's order. */
export interface Image {
  readonly platform: Platform;
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** A manifest with a `subject`: something said about an image (its SBOM), not part of it. */
export interface Referrer {
  readonly manifest: Blob;
  /** What the manifest points to: its config and layers. */
  readonly blobs: readonly Blob[];
}

/** Everything that one name in a registry or layout stands for. */
export interface Bundle {
  /** The only image's manifest, or the index of several platforms. */
  readonly root: Blob;
  readonly images: readonly Image[];
  readonly referrers: readonly Referrer[];
}

/** Every distinct blob below an image's manifest: config first, as it is the smaller risk to lose. */
export function blobsOf(image: Image): readonly Blob[] {
  const byDigest = new Map<string, Blob>();
  for (const blob of [image.config, ...image.layers]) {
    if (!byDigest.has(blob.descriptor.digest)) byDigest.set(blob.descriptor.digest, blob);
  }
  return [...byDigest.values()];
}
