import { pipeline, type Readable, Transform } from 'node:stream';
import type { Blob } from '../oci/blob.ts';
import type { Descriptor } from '../oci/schema.ts';
import { verified } from '../oci/verified.ts';

/** What a person watching an image being written may want to know. */
export type WriteEvent =
  /** A blob is on its way: `writtenBytes` of `descriptor.size`. */
  | { readonly type: 'writing'; readonly descriptor: Descriptor; readonly writtenBytes: number }
  /** A blob is there: it was before, or is written now. */
  | { readonly type: 'done'; readonly descriptor: Descriptor; readonly outcome: 'present' | 'written' };

export interface WriteOptions {
  /** Ends the writing; nothing half-written is left, and the promise rejects with an AbortError. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: WriteEvent) => void) | undefined;
}

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
