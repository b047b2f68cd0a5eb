import { type Blob, jsonBlob } from './blob.ts';
import type { Image } from './image.ts';
import { MEDIA_TYPES } from './media-types.ts';
import type { ImageIndex } from './schema.ts';

/** One name for the images of several platforms. */
export function indexOf(images: readonly Image[]): Blob {
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return jsonBlob(index, MEDIA_TYPES.index);
}
