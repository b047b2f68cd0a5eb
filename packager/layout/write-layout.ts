import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ensureDirectory, streamToFile, writeFileSafely } from '../../models/base/files.ts';
import type { Blob } from '../oci/blob.ts';
import { type Bundle, contentsOf } from '../oci/image.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import type { ImageIndex } from '../oci/schema.ts';
import { blobPath, INDEX_FILE, MARKER, MARKER_FILE } from './layout-files.ts';
import { indexWith } from './layout-index.ts';
import { LOCK_FILE, whileLocked } from './layout-lock.ts';
import { LayoutStore } from './layout-store.ts';
import { isVacant, makeFolder } from './new-folder.ts';
import { type WriteOptions, watched } from './progress.ts';

export interface LayoutOptions extends WriteOptions {
  /** What the image is called in the layout. Another image of this tag loses it. */
  readonly tag?: string | undefined;
}

const EMPTY: ImageIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] };
const REMEDY = 'Choose a folder that can be written and has room.';

/**
 * Writes an OCI image layout, or adds to one; blobs that are there are not written again. A new layout
 * appears when it is complete, and one that is there names the image only when all of it is. Several
 * processes may add to one layout at once.
 *
 * @throws InflessError IMAGE_NOT_FOUND for a folder that holds something else, STORAGE_FAILED, IMAGE_CORRUPT
 */
export async function writeLayout(
  bundle: Bundle,
  directory: string,
  options: LayoutOptions = {},
): Promise<void> {
  if ((await isVacant(directory)) && (await isAbsent(directory))) {
    try {
      await makeFolder(directory, (folder) => addImage(bundle, folder, options));
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      // else another process was faster, and this image is added to its own
      if (await isVacant(directory)) throw error;
    }
  }
  const isOurs = await beginIn(directory);
  const before = await new LayoutStore(directory).index();
  const added: Blob[] = [];
  for (const blob of contentsOf(bundle)) if (!(await hasBlob(blob, directory))) added.push(blob);
  try {
    await addImage(bundle, directory, options);
  } catch (error) {
    await whileLocked(directory, async () => {
      // Another image may have come to use what was written for this one: then it stays.
      if (!isDeepStrictEqual(await new LayoutStore(directory).index(), before)) return;
      for (const { descriptor } of added)
        await rm(join(directory, blobPath(descriptor.digest)), { force: true });
      if (isOurs) await endIn(directory);
    });
    throw error;
  }
}

/**
 * Makes an empty folder a layout without images; a mounted volume cannot be renamed to. Says whether it was
 * empty.
 */
async function beginIn(directory: string): Promise<boolean> {
  if (!(await isAbsent(join(directory, MARKER_FILE)))) return false;
  return whileLocked(directory, async () => {
    const names = (await readdir(directory)).filter((name) => name !== LOCK_FILE);
    if (names.length > 0) return false;
    await writeFileSafely(join(directory, INDEX_FILE), JSON.stringify(EMPTY));
    await writeFileSafely(join(directory, MARKER_FILE), MARKER);
    return true;
  });
}

/** Makes a layout without images an empty folder, but for what another process is writing there. */
async function endIn(directory: string): Promise<void> {
  for (const name of [MARKER_FILE, INDEX_FILE]) await rm(join(directory, name), { force: true });
  for (const name of ['blobs/sha256', 'blobs']) await rmdir(join(directory, name)).catch(() => {});
}

async function addImage(bundle: Bundle, folder: string, options: LayoutOptions): Promise<void> {
  for (const blob of contentsOf(bundle)) await addBlob(blob, folder, options);
  await whileLocked(folder, async () => {
    // What was there may just have been taken back by a process whose own image failed.
    for (const blob of contentsOf(bundle)) {
      if (!(await hasBlob(blob, folder))) await addBlob(blob, folder, options);
    }
    const isNew = await isAbsent(join(folder, MARKER_FILE));
    const index = isNew ? EMPTY : await new LayoutStore(folder).index();
    const changed = await indexWith(index, bundle, options.tag);
    await writeFileSafely(join(folder, INDEX_FILE), JSON.stringify(changed));
    await writeFileSafely(join(folder, MARKER_FILE), MARKER);
  });
}

async function isAbsent(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) === undefined;
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
