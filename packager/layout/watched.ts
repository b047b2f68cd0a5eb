import { pipeline, type Readable, Transform } from 'node:stream';
import type { Blob } from '../oci/blob.ts';
import { verified } from '../oci/verified.ts';
import type { WriteOptions } from './progress.ts';

/** A blob's bytes, verified, and told to whoever watches as they pass. */
export function watched(blob: Blob, { onProgress }: WriteOptions): Readable {
  const bytes = verified(blob, 'The image');
  if (onProgress === undefined) return bytes;
  const { descriptor } = blob;
  let writtenBytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      writtenBytes += chunk.byteLength;
      onProgress({ type: 'writing', descriptor, writtenBytes });
      done(null, chunk);
    },
  });
  return pipeline(bytes, meter, () => {}); // whoever reads the result learns of a failure from it
}
