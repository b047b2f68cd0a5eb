import { createRequire } from 'node:module';
import { Transform } from 'node:stream';
import { Deflate } from 'pako';

const LEVEL = 6;
/**
 * The compressor sees pieces of one size, however a stream was cut, so that no cut can show in what it
 * writes.
 */
const PIECE_BYTES = 256 << 10;

const { version } = createRequire(import.meta.url)('pako/package.json') as { version: string };

/** Changes whenever the same content may compress to other bytes. */
export const gzipVersion = `pako ${version} level ${LEVEL}`;

/**
 * Compresses to the same bytes on every machine. Node's own zlib does not: its matcher differs between
 * processors and releases, and a layer's digest would with it.
 */
export function gzip(): Transform {
  const deflate = new Deflate({ gzip: true, level: LEVEL });
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      pieces.push(chunk);
      heldBytes += chunk.byteLength;
      if (heldBytes >= PIECE_BYTES) hold(compressPieces(Buffer.concat(pieces)));
      done();
    },
    flush(done) {
      deflate.push(Buffer.concat(pieces), true);
      done();
    },
  });
  deflate.onData = (chunk) => stream.push(chunk);
  deflate.onEnd = (status) => {
    if (status !== 0) stream.destroy(new Error(`gzip ended with status ${status}`));
  };
  return stream;

  function compressPieces(held: Buffer): Buffer {
    let from = 0;
    for (; held.byteLength - from >= PIECE_BYTES; from += PIECE_BYTES) {
      deflate.push(held.subarray(from, from + PIECE_BYTES), false);
    }
    return held.subarray(from);
  }

  function hold(rest: Buffer): void {
    pieces = [rest];
    heldBytes = rest.byteLength;
  }
}
