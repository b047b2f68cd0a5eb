import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureDirectory, streamToFile, writeFileSafely } from '../../models/base/files.ts';
import type { Blob } from '../oci/blob.ts';
import { type Bundle, contentsOf } from '../oci/image.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import type { ImageIndex } from '../oci/schema.ts';
import { blobPath, INDEX_FILE, MARKER, MARKER_FILE } from './layout-files.ts';
import { indexWith } from './layout-index.ts';
import { LayoutStore } from './layout-store.ts';
import { isVacant, makeFolder } from './new-folder.ts';
import type { WriteOptions } from './progress.ts';
import { watched } from './watched.ts';

export interface LayoutOptions extends WriteOptions {
  /** What the image is called in the layout. Another image of this tag loses it. */
  readonly tag?: string | undefined;
}

const EMPTY: ImageIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] };
const REMEDY = 'Choose a folder that can be written and has room.';

/**
 * Writes an OCI image layout, or adds to one; blobs that are there are not written again. A new layout appears
 * when it is complete, and one that is there names the image only when all of it is.
 *
 * @throws InflessError IMAGE_NOT_FOUND for a folder that holds something else, STORAGE_FAILED, IMAGE_CORRUPT
 */
export async function writeLayout(
  bundle: Bundle,
  directory: string,
  options: LayoutOptions = {},
): Promise<void> {
  if (await isVacant(directory)) {
    await makeFolder(directory, (folder) => addImage(bundle, folder, EMPTY, options));
    return;
  }
  const index = await new LayoutStore(directory).index();
  const added: Blob[] = [];
  for (const blob of contentsOf(bundle)) if (!(await hasBlob(blob, directory))) added.push(blob);
  try {
    await addImage(bundle, directory, index, options);
  } catch (error) {
    const files = added.map((blob) => join(directory, blobPath(blob.descriptor.digest)));
    await Promise.all(files.map((file) => rm(file, { force: true })));
    throw error;
  }
}

async function addImage(
  bundle: Bundle,
  folder: string,
  index: ImageIndex,
  options: LayoutOptions,
): Promise<void> {
  for (const blob of contentsOf(bundle)) await addBlob(blob, folder, options);
  await writeFileSafely(join(folder, MARKER_FILE), MARKER);
  await writeFileSafely(
    join(folder, INDEX_FILE),
    JSON.stringify(await indexWith(index, bundle, options.tag)),
  );
}

async function addBlob(blob: Blob, folder: string, options: WriteOptions): Promise<void> {
  const { descriptor } = blob;
  const { onProgress } = options;
  if (await hasBlob(blob, folder)) {
    onProgress?.({ type: 'done', descriptor, outcome: 'present' });
    return;
  }
  const file = join(folder, blobPath(descriptor.digest));
  await ensureDirectory(dirname(file), REMEDY);
  await streamToFile([watched(blob, options)], file, { signal: options.signal, remedy: REMEDY });
  onProgress?.({ type: 'done', descriptor, outcome: 'written' });
}

/** A blob gets its name when it is complete, so one of the right size is taken for what its name says. */
async function hasBlob({ descriptor }: Blob, folder: string): Promise<boolean> {
  const status = await stat(join(folder, blobPath(descriptor.digest))).catch(() => undefined);
  return status?.size === descriptor.size;
}
