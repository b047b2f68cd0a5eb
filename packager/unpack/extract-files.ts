import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract } from 'tar-stream';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { ensureDirectory, streamToFile } from '../../models/base/files.ts';
import type { Blob } from '../oci/blob.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import { uncompressed } from '../oci/uncompressed.ts';
import { verified } from '../oci/verified.ts';
import { isTreePath } from '../tar/tar-tree.ts';

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

const REMEDY = 'Make room, or choose another cache folder with INFLESS_CACHE_DIR.';

/**
 * Unpacks a layer that holds nothing but files below one folder. It is streamed and verified on its way: what
 * was written only counts once the promise is fulfilled. Links, devices and names that lead elsewhere are
 * refused, so that nothing is ever written outside `into`.
 *
 * @param origin the image as the user named it, as it starts the sentence
 * @param folder the layer's folder, as in `model`; its files lie in `into` without it
 * @throws InflessError IMAGE_CORRUPT, STORAGE_FAILED, and as the image's source does
 */
export async function extractFiles(layer: Blob, origin: string, folder: string, into: string): Promise<void> {
  if (layer.descriptor.mediaType === MEDIA_TYPES.layerZstd) throw unsupported(origin);
  const tar = extract();
  const feeding = pipeline(verified(layer, origin), uncompressed, tar);
  feeding.catch(() => {}); // whoever reads the tar learns of it
  try {
    for await (const entry of tar) await extractEntry(entry, origin, folder, into);
    await feeding; // the digest is known when the last byte has been read, which is after the last file
  } catch (error) {
    if (error instanceof InflessError) throw error;
    // of a failed source, a tar only says that it is destroyed
    const cause = await feeding.catch((failure: unknown) => failure);
    if (cause instanceof InflessError) throw cause;
    throw corrupt(`${layer.descriptor.digest} of ${origin} cannot be unpacked (${messageOf(error)})`, error);
  }
}

/** A tool on the way may have compressed what we did not. */
function unsupported(origin: string): InflessError {
  return new InflessError(
    'INVALID_INPUT',
    `${origin} has weights compressed with zstd, which is not supported`,
    { remedy: 'Push the image again as infless-pack has written it.' },
  );
}

async function extractEntry(entry: Entry, origin: string, folder: string, into: string): Promise<void> {
  const { name, type } = entry.header;
  const path = name.replace(/\/$/, '');
  const isInside = isTreePath(path) && (path === folder || path.startsWith(`${folder}/`));
  if (!isInside) throw corrupt(`${origin} has ${JSON.stringify(name)} among its model's files`);
  if (type === 'directory') {
    entry.resume();
    return;
  }
  if (type !== 'file')
    throw corrupt(`${origin} has ${JSON.stringify(name)}, a ${type}, among its model's files`);
  const file = join(into, path.slice(folder.length));
  await ensureDirectory(dirname(file), REMEDY);
  await streamToFile([Readable.from(entry, { objectMode: false })], file, { remedy: REMEDY });
}

function corrupt(what: string, cause?: unknown): InflessError {
  return new InflessError('IMAGE_CORRUPT', what, { remedy: 'Build or fetch the image again.', cause });
}
