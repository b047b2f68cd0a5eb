import type { InflessError } from '../../models/base/errors.ts';
import type { StoredTable } from '../../profiles/store.ts';

/** A model out of an image, in the cache with what the image says of it. */
export interface UnpackedModel {
  /** The file that a runtime opens; its folder is named by its content. */
  readonly path: string;
  /** What the model is, so that nobody has to run it to find out. */
  readonly manifestFile: string;
  /** The image's own table, where it has one. */
  readonly profile: StoredTable | undefined;
  /** Why the registry could not be asked: then this is what the name stood for when it last could. */
  readonly failure?: InflessError;
}
