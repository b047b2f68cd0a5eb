import type { z } from 'zod';
import { InflessError } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import type { Blob } from './blob.ts';
import { readVerified } from './verified.ts';

/**
 * A manifest, index or config: read whole, verified, and held to its schema.
 *
 * @param origin where the blob comes from, as it starts a sentence
 * @param kind what it should be: `manifest`
 * @throws InflessError IMAGE_CORRUPT
 */
export async function readDocument<S extends z.ZodType>(
  blob: Blob,
  schema: S,
  origin: string,
  kind: string,
): Promise<z.output<S>> {
  return parseDocument(await readVerified(blob, origin), schema, `${kind} of ${origin}`);
}

/** @param what the document, as it starts a sentence: `index.json of oci:images` */
export function parseDocument<S extends z.ZodType>(bytes: Uint8Array, schema: S, what: string): z.output<S> {
  return parseWith(schema, parseJson(bytes, what), { what, code: 'IMAGE_CORRUPT' });
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new InflessError('IMAGE_CORRUPT', `${what} is no JSON`, {
      remedy: 'Fetch or build the image again.',
      cause: error,
    });
  }
}
