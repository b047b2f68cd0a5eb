import type { ModelManifest } from '../models/manifest.ts';
import type { StoredTable } from '../profiles/store.ts';
import { type Base, fetchBase } from './contents/image.ts';
import { type ModelOptions, packModelFiles } from './contents/model/pack-model-files.ts';
import { type ImageOptions, packImage } from './contents/pack-image.ts';
import { type Blob, jsonBlob } from './oci/blob.ts';
import { formatPlatform } from './oci/choose-platform.ts';
import type { Bundle, Image, Referrer } from './oci/image.ts';
import { MEDIA_TYPES } from './oci/media-types.ts';
import type { ImageIndex, Platform } from './oci/schema.ts';
import type { ImageSource } from './oci/source.ts';

export interface PackOptions extends ModelOptions, ImageOptions {
  readonly base: ImageSource;
  /** One gives an image, several an index of images. */
  readonly platforms: readonly Platform[];
  /** Hears what is being done, as a phrase: `linux/amd64 on host`. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** An image that is ready to be written, with what went into it. */
export interface Packed extends Bundle {
  readonly model: ModelManifest;
  readonly profile: StoredTable | undefined;
  /** What each image is built on, in the order of the images. */
  readonly bases: readonly Base[];
  /** Of all files of the model. */
  readonly weightBytes: number;
}

/**
 * Packs a model into a serving image. Nothing is written but caches, and weights are read only when the image
 * is; the same model, runtime, base and options give the same digests on every machine.
 *
 * @throws InflessError for a model, table or base that cannot be used; the signal's reason when aborted
 */
export async function pack(options: PackOptions): Promise<Packed> {
  const { platforms, signal, onStep = () => {} } = options;
  onStep(`model ${options.model.path}`);
  const model = await packModelFiles(options);
  const images: Image[] = [];
  const referrers: Referrer[] = [];
  const bases: Base[] = [];
  for (const platform of platforms) {
    signal?.throwIfAborted();
    onStep(`${formatPlatform(platform)} on ${options.base.name}`);
    const base = await fetchBase(options.base, platform);
    const { image, referrer } = await packImage(model, base, platform, options);
    bases.push(base);
    images.push(image);
    referrers.push(referrer);
  }
  const root = images.length === 1 ? images[0]!.manifest : indexOf(images);
  const weightBytes = model.files.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { root, images, referrers, model: model.manifest, profile: model.profile, bases, weightBytes };
}

function indexOf(images: readonly Image[]): Blob {
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return jsonBlob(index, MEDIA_TYPES.index);
}
