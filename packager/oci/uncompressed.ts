import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const MAGIC = Buffer.from([0x1f, 0x8b]);

/**
 * A layer's bytes without gzip, where they have any; a stage of a pipeline. The bytes say so and not their
 * media type: skopeo and others announce Docker's only type, gzip, for layers that the registry has as plain
 * archives.
 */
export async function* uncompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let headBytes = 0;
  while (headBytes < MAGIC.byteLength) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head.push(value);
    headBytes += value.byteLength;
  }
  const whole = chained(head, chunks);
  if (!isGzip(Buffer.concat(head))) {
    yield* whole;
    return;
  }
  const gunzip = createGunzip();
  const feeding = pipeline(Readable.from(whole, { objectMode: false }), gunzip);
  feeding.catch(() => {}); // whoever reads the result learns of it
  yield* gunzip as AsyncIterable<Buffer>;
}

/** @param bytes the first ones at least */
export function isGzip(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.byteLength).equals(MAGIC);
}

async function* chained(head: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* head;
  yield* { [Symbol.asyncIterator]: () => rest };
}
