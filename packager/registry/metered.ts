import { pipeline, type Readable, Transform } from 'node:stream';
import { spent } from '../oci/spent-bytes.ts';

export interface MeterOptions {
  /** Called with the size of each part that is taken. */
  readonly onBytes: (sizeBytes: number) => void;
  readonly stallMs: number;
  /** What the stream fails with when nothing is taken for `stallMs`. */
  readonly stalled: () => Error;
}

/**
 * The bytes of a stream, counted as they are taken. A network that is gone takes none, and it may be a
 * quarter of an hour until the system says so: then the stream fails of itself.
 */
export function metered(source: Readable, { onBytes, stallMs, stalled }: MeterOptions): Readable {
  // A plain timer, as those within sockets are: it guards a connection, nothing is decided by it.
  const timer = setTimeout(() => meter.destroy(stalled()), stallMs);
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      timer.refresh();
      onBytes(chunk.byteLength);
      spent(chunk.byteLength);
      done(null, chunk);
    },
  });
  // Whoever reads the result learns of a failure from it.
  return pipeline(source, meter, () => clearTimeout(timer));
}
