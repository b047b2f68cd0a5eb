import { Readable } from 'node:stream';
import { InflessError } from '../../models/base/errors.ts';

/** A part of a longer stream. */
export interface Segment {
  /** As it starts a sentence, should the bytes not be what was announced. */
  readonly name: string;
  readonly sizeBytes: number;
  open(fromByte: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export function bytesSegment(name: string, bytes: Uint8Array): Segment {
  return { name, sizeBytes: bytes.byteLength, open: (fromByte) => [bytes.subarray(fromByte)] };
}

/** The segments one after the other, from any byte of the whole: earlier ones are not even opened. */
export function openSegments(segments: readonly Segment[], fromByte: number): Readable {
  return Readable.from(chunksOf(segments, fromByte), { objectMode: false });
}

async function* chunksOf(segments: readonly Segment[], fromByte: number): AsyncGenerator<Uint8Array> {
  let skipBytes = fromByte;
  for (const segment of segments) {
    if (skipBytes < segment.sizeBytes) yield* exactly(segment, skipBytes);
    skipBytes = Math.max(0, skipBytes - segment.sizeBytes);
  }
}

/** One byte more or less would shift everything behind it: a file that changes meanwhile ends the stream. */
async function* exactly(segment: Segment, fromByte: number): AsyncGenerator<Uint8Array> {
  let missingBytes = segment.sizeBytes - fromByte;
  for await (const chunk of segment.open(fromByte)) {
    missingBytes -= chunk.byteLength;
    if (missingBytes < 0) break;
    yield chunk;
  }
  if (missingBytes !== 0) {
    throw new InflessError(
      'STORAGE_FAILED',
      `${segment.name} has ${missingBytes < 0 ? 'more' : 'less'} than the ${segment.sizeBytes} bytes it had a moment ago`,
      { remedy: 'Pack again when nothing writes to it any more.' },
    );
  }
}
