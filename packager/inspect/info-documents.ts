import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { INFO_PATHS } from '../contents/info-layer.ts';
import type { Image } from '../oci/image.ts';
import { isGzip } from '../oci/uncompressed.ts';
import { verified } from '../oci/verified.ts';

/** Far above any table; a layer that is larger is not the one we look for. */
const LARGEST_LAYER_BYTES = 32 << 20;

/**
 * The documents by which an image says what is in it, by their path there: those of its topmost layer.
 * Nothing else is read; an image that is not ours has none.
 *
 * @param origin the image as the user named it, as it starts the sentence
 * @throws InflessError IMAGE_CORRUPT
 */
export async function infoDocuments(image: Image, origin: string): Promise<ReadonlyMap<string, Buffer>> {
  const layer = image.layers.at(-1);
  if (layer === undefined || layer.descriptor.size > LARGEST_LAYER_BYTES) return new Map();
  const bytes = await buffer(verified(layer, origin));
  try {
    // A tool on the way may have compressed what we did not, or only say so.
    const tar = isGzip(bytes) ? gunzipSync(bytes, { maxOutputLength: LARGEST_LAYER_BYTES }) : bytes;
    return await readTar(tar, new Set(Object.values(INFO_PATHS)));
  } catch (error) {
    throw new InflessError(
      'IMAGE_CORRUPT',
      `The topmost layer of ${origin} cannot be read (${messageOf(error)})`,
      {
        remedy: 'Build the image again.',
        cause: error,
      },
    );
  }
}

async function readTar(tar: Uint8Array, wanted: ReadonlySet<string>): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const entry of Readable.from([tar], { objectMode: false }).pipe(extract())) {
    if (wanted.has(entry.header.name)) found.set(entry.header.name, await buffer(entry));
    else entry.resume();
  }
  return found;
}
