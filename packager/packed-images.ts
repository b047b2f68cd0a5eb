import { type Base, fetchBase } from './contents/image.ts';
import { type Blob, jsonBlob } from './oci/blob.ts';
import { formatPlatform } from './oci/choose-platform.ts';
import type { Bundle, Image, Referrer } from './oci/image.ts';
import { MEDIA_TYPES } from './oci/media-types.ts';
import type { ImageIndex, Platform } from './oci/schema.ts';
import type { ImageSource } from './oci/source.ts';

/** Images that are ready to be written. */
export interface PackedImages extends Bundle {
  /** What each is built on, in the order of the images. */
  readonly bases: readonly Base[];
}

export interface PackingOptions {
  readonly base: ImageSource;
  /** One gives an image, several an index of images. */
  readonly platforms: readonly Platform[];
  readonly signal?: AbortSignal | undefined;
  /** Hears what is being done, as a phrase: `linux/amd64 on host`. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/**
 * Packs the same thing for each platform.
 *
 * @param packOn its image and SBOM on a base
 * @throws InflessError for a base that cannot be used; the signal's reason when aborted
 */
export async function packForEach(
  { base: source, platforms, signal, onStep = () => {} }: PackingOptions,
  packOn: (base: Base, platform: Platform) => Promise<{ image: Image; referrer: Referrer }>,
): Promise<PackedImages> {
  const images: Image[] = [];
  const referrers: Referrer[] = [];
  const bases: Base[] = [];
  for (const platform of platforms) {
    signal?.throwIfAborted();
    onStep(`${formatPlatform(platform)} on ${source.name}`);
    const base = await fetchBase(source, platform);
    const { image, referrer } = await packOn(base, platform);
    bases.push(base);
    images.push(image);
    referrers.push(referrer);
  }
  const root = images.length === 1 ? images[0]!.manifest : indexOf(images);
  return { root, images, referrers, bases };
}

/** One name for the images of several platforms. */
export function indexOf(images: readonly Image[]): Blob {
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return jsonBlob(index, MEDIA_TYPES.index);
}
