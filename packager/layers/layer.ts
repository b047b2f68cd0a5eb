import type { Blob } from '../oci/blob.ts';
import type { Digest } from '../oci/schema.ts';

/** A blob that is a layer; `diffId` is the digest of its tar before compression. */
export interface LayerBlob extends Blob {
  readonly diffId: Digest;
  /** One line for the image's history and the reader of `inspect`. */
  readonly title: string;
}
