import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { remembered } from '../../models/base/memory.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import { type Digest, digestSchema } from '../oci/schema.ts';
import { sourceDate } from '../oci/source-date.ts';
import { type Tar, tarOf } from '../tar/tar.ts';
import type { TarEntry } from '../tar/tar-entry.ts';
import { compressedLayer, type LayerBlob } from './compressed-layer.ts';

/** Raise it when the same entries give other bytes than before. */
const GENERATION = 1;

export interface LayerOptions {
  /** Weights never are: they hardly shrink, and what is stored is read straight from the model file. */
  readonly compress: boolean;
  readonly title: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A layer of the entries. Nothing is copied: an uncompressed one is read from the files themselves each time
 * it is opened, and hashed once for as long as they stay the same; a compressed one is kept in the cache.
 */
export async function buildLayer(entries: readonly TarEntry[], options: LayerOptions): Promise<LayerBlob> {
  const modified = sourceDate();
  const key = identityOf(entries, modified);
  const tar = once(() => tarOf(entries, modified));
  const hash = async () => digestOfTar(await tar(), options.signal);
  const diffId = key === undefined ? await hash() : await remembered('layers', key, digestSchema, hash);
  if (options.compress) return compressedLayer(tar, diffId, options);
  const { sizeBytes, open } = await tar();
  return {
    descriptor: { mediaType: MEDIA_TYPES.layer, digest: diffId, size: sizeBytes },
    diffId,
    title: options.title,
    open,
  };
}

/** Headers of thousands of files take a while, which a layer that the cache knows does not need. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What a layer's digest depends on, undefined where an entry's content is known only by reading it. */
function identityOf(entries: readonly TarEntry[], modified: Date): readonly unknown[] | undefined {
  const known = entries.every((entry) => entry.type !== 'file' || entry.identity !== undefined);
  return known
    ? [GENERATION, modified.getTime(), ...entries.map((entry) => JSON.stringify(entry))]
    : undefined;
}

async function digestOfTar(tar: Tar, signal: AbortSignal | undefined): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(tar.open(), hash, { ...(signal && { signal }) });
  return `sha256:${hash.digest('hex')}`;
}
