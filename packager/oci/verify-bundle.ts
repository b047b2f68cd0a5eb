import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InflessError, systemCode } from '../../models/base/errors.ts';
import type { Blob } from './blob.ts';
import { readDocument } from './document.ts';
import { type Bundle, contentsOf, type Image } from './image.ts';
import { MEDIA_TYPES } from './media-types.ts';
import { type Digest, imageConfigSchema } from './schema.ts';
import { uncompressed } from './uncompressed.ts';
import { verified } from './verified.ts';

/** What came of hashing an image again. */
export interface Verification {
  readonly blobs: number;
  readonly sizeBytes: number;
  /** Each a sentence; none where all is well. */
  readonly problems: readonly string[];
}

/**
 * Hashes everything of an image again: every blob against its digest and size, every layer's content against
 * what the config says. What is wrong with one blob does not keep the others from being looked at.
 *
 * @param origin the image as the user named it, as it starts sentences
 * @throws InflessError where the image cannot be read at all (REGISTRY_FAILED, a config that is none)
 */
export async function verifyBundle(
  bundle: Bundle,
  origin: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Verification> {
  const problems: string[] = [];
  const contents = new Map<string, Digest>();
  for (const image of bundle.images) problems.push(...(await collectDiffIds(image, origin, contents)));
  const blobs = contentsOf(bundle);
  for (const blob of blobs) {
    options.signal?.throwIfAborted();
    const problem = await problemOf(blob, contents.get(blob.descriptor.digest), origin);
    if (problem !== undefined) problems.push(problem);
  }
  const sizeBytes = blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return { blobs: blobs.length, sizeBytes, problems };
}

/** Notes what each layer should be once it is uncompressed. Returns what does not fit. */
async function collectDiffIds(image: Image, origin: string, into: Map<string, Digest>): Promise<string[]> {
  const { rootfs } = await readDocument(image.config, imageConfigSchema, origin, 'config');
  const { layers } = image;
  if (rootfs.diff_ids.length !== layers.length) {
    return [`${origin} has ${layers.length} layers where its config names ${rootfs.diff_ids.length}.`];
  }
  layers.forEach(({ descriptor }, position) => {
    into.set(descriptor.digest, rootfs.diff_ids[position]!);
  });
  return [];
}

async function problemOf(
  blob: Blob,
  diffId: Digest | undefined,
  origin: string,
): Promise<string | undefined> {
  const { digest, mediaType } = blob.descriptor;
  try {
    // Node.js 20 cannot uncompress zstd: of such layers only the blob itself is checked.
    if (diffId === undefined || mediaType === MEDIA_TYPES.layerZstd) {
      await readThrough(blob, origin);
      return undefined;
    }
    const actual = await hashUncompressed(blob, origin);
    if (actual === diffId) return undefined;
    return `${origin} has a layer ${digest} whose content is ${actual} where its config says ${diffId}.`;
  } catch (error) {
    if (error instanceof InflessError && error.code === 'IMAGE_CORRUPT') return `${error.message}.`;
    if (!isGzipError(error)) throw error;
    return `${origin} has a layer ${digest} that cannot be uncompressed.`;
  }
}

async function hashUncompressed(blob: Blob, origin: string): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    await pipeline(verified(blob, origin), uncompressed, hash);
  } catch (error) {
    // a damaged blob has another digest, which says more
    if (isGzipError(error)) await readThrough(blob, origin);
    throw error;
  }
  return `sha256:${hash.digest('hex')}`;
}

function isGzipError(error: unknown): boolean {
  return systemCode(error)?.startsWith('Z_') === true;
}

async function readThrough(blob: Blob, origin: string): Promise<void> {
  await pipeline(verified(blob, origin), new Writable({ write: (_chunk, _encoding, done) => done() }));
}
