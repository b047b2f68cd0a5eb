import { type Blob, jsonBlob } from './blob.ts';
import { MEDIA_TYPES } from './media-types.ts';
import type { ImageConfig, ImageManifest, Platform } from './schema.ts';

/** An image of one platform: manifest, config, and the layers in the manifest's order. */
export interface Image {
  readonly platform: Platform;
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** An image made here: its manifest follows from its parts, and so the same parts are the same bytes. */
export function imageOf(parts: {
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly layers: readonly Blob[];
  readonly annotations?: Readonly<Record<string, string>>;
}): Image {
  const { platform, layers, annotations } = parts;
  const config = jsonBlob(parts.config, MEDIA_TYPES.config);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { platform, manifest: jsonBlob(manifest, MEDIA_TYPES.manifest), config, layers };
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

/** Every distinct blob below an image's manifest. */
export function blobsOf(image: Image): readonly Blob[] {
  return distinct([image.config, ...image.layers]);
}

/**
 * Every distinct blob of a bundle, each after those it points to: who stores them in this order never
 * dangles.
 */
export function contentsOf(bundle: Bundle): readonly Blob[] {
  return distinct([
    ...bundle.images.flatMap((image) => [...blobsOf(image), image.manifest]),
    bundle.root,
    ...bundle.referrers.flatMap((referrer) => [...referrer.blobs, referrer.manifest]),
  ]);
}

function distinct(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.descriptor.digest, blob])).values()];
}
