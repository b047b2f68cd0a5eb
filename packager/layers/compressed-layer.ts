import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  cacheDirectory,
  digestFile,
  ensureDirectory,
  readTextIfPresent,
  streamToFile,
  writeFileSafely,
} from '../../models/base/files.ts';
import { fileIdentity } from '../../models/base/memory.ts';
import { touch } from '../cache/holders.ts';
import { pruneShelf } from '../cache/prune.ts';
import { type Blob, digestOf, fileBlob } from '../oci/blob.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import { type Descriptor, type Digest, descriptorSchema } from '../oci/schema.ts';
import type { Tar } from '../tar/tar.ts';
import { gzip, gzipVersion } from './gzip.ts';

const REMEDY = 'Set INFLESS_CACHE_DIR to a folder that can be written and has room.';

/** What the cache says about a compressed layer in it, and about which state of its file. */
const noteSchema = z.object({ identity: z.string(), descriptor: descriptorSchema });

export interface CompressionOptions {
  readonly title: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The layer, compressed once and kept in the cache. One whose file was touched since is compressed again.
 *
 * @param tar gives what to compress, where that is not known already
 */
export async function compressedLayer(
  tar: () => Promise<Tar>,
  diffId: Digest,
  options: CompressionOptions,
): Promise<LayerBlob> {
  const name = digestOf(`${gzipVersion}\n${diffId}`).slice('sha256:'.length);
  const folder = join(cacheDirectory(), 'layers');
  const file = join(folder, `${name}.tar.gz`);
  const noteFile = join(folder, `${name}.json`);
  await ensureDirectory(folder, REMEDY);
  let descriptor = await recall(noteFile, file);
  if (descriptor !== undefined) {
    await touch(noteFile);
  } else {
    await streamToFile([(await tar()).open(), gzip()], file, { signal: options.signal, remedy: REMEDY });
    descriptor = await describe(file);
    const note = { identity: await fileIdentity(file), descriptor };
    await writeFileSafely(noteFile, JSON.stringify(note), REMEDY);
    await pruneShelf('layers');
  }
  return { ...fileBlob(file, descriptor), diffId, title: options.title };
}

async function recall(noteFile: string, file: string): Promise<Descriptor | undefined> {
  const text = await readTextIfPresent(noteFile);
  if (text === undefined) return undefined;
  try {
    const note = noteSchema.parse(JSON.parse(text));
    return note.identity === (await fileIdentity(file)) ? note.descriptor : undefined;
  } catch {
    return undefined; // a damaged note is as good as none
  }
}

async function describe(file: string): Promise<Descriptor> {
  const [digest, { size }] = await Promise.all([digestFile(file), stat(file)]);
  return { mediaType: MEDIA_TYPES.layerGzip, digest, size };
}

/** A blob that is a layer; `diffId` is the digest of its tar before compression. */
export interface LayerBlob extends Blob {
  readonly diffId: Digest;
  /** One line for the image's history and the reader of `inspect`. */
  readonly title: string;
}
