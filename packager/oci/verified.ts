import { createHash } from 'node:crypto';
import { pipeline, type Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { InflessError } from '../../models/base/errors.ts';
import type { Blob } from './blob.ts';
import { MAX_JSON_BYTES } from './schema.ts';
import { spent } from './spent-bytes.ts';

/**
 * The blob's bytes, checked on their way: the stream fails with IMAGE_CORRUPT when it is longer or shorter
 * than announced, or its digest is another one. Nothing is held back, so what was written from it only counts
 * once the stream has ended well.
 *
 * @param origin where the bytes come from, as it starts the sentence
 */
export function verified(blob: Blob, origin: string): Readable {
  const { digest, size } = blob.descriptor;
  const hash = createHash('sha256');
  let seenBytes = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seenBytes += chunk.byteLength;
      if (seenBytes > size) {
        done(corrupt(origin, `has more than the ${size} bytes announced for ${digest}`));
        return;
      }
      hash.update(chunk);
      spent(chunk.byteLength);
      done(null, chunk);
    },
    flush(done) {
      if (seenBytes !== size) {
        done(corrupt(origin, `ends after ${seenBytes} of the ${size} bytes announced for ${digest}`));
        return;
      }
      const actual = `sha256:${hash.digest('hex')}`;
      done(actual === digest ? null : corrupt(origin, `has digest ${actual} where ${digest} is expected`));
    },
  });
  return pipeline(blob.open(), check, () => {}); // whoever reads the result learns of a failure from it
}

/**
 * The bytes of a small blob, verified; one that announces more than a manifest may have is refused unread.
 */
export async function readVerified(blob: Blob, origin: string): Promise<Buffer> {
  const { digest, size } = blob.descriptor;
  if (size > MAX_JSON_BYTES) {
    throw corrupt(
      origin,
      `has a document ${digest} of ${size} bytes, more than the ${MAX_JSON_BYTES} allowed`,
    );
  }
  return buffer(verified(blob, origin));
}

function corrupt(origin: string, what: string): InflessError {
  return new InflessError('IMAGE_CORRUPT', `${origin} ${what}`, {
    remedy: 'Fetch or build the image again.',
  });
}
