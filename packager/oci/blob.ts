import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { openFile } from '../../models/base/files.ts';
import type { Descriptor, Digest } from './schema.ts';

/** Content with a name. It can be opened again and again (a broken upload goes on in the middle). */
export interface Blob {
  readonly descriptor: Descriptor;
  /** The bytes from `fromByte` (0) to the end. Errors of the origin reach the stream's reader. */
  open(fromByte?: number): Readable;
}

export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Bytes that are in memory anyway. */
export function bytesBlob(bytes: Uint8Array, mediaType: string, extra: DescriptorExtra = {}): Blob {
  return {
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength, ...extra },
    open: (fromByte = 0) => readableOf(bytes.subarray(fromByte)),
  };
}

export type DescriptorExtra = Omit<Descriptor, 'mediaType' | 'digest' | 'size'>;

/** A small document: a manifest, a config. The order of keys is the value's own, so it decides the digest. */
export function jsonBlob(value: unknown, mediaType: string, extra?: DescriptorExtra): Blob {
  return bytesBlob(Buffer.from(JSON.stringify(value)), mediaType, extra);
}

/**
 * A file whose digest and size are known. Whoever reads it verifies them: the file may have changed since.
 */
export function fileBlob(path: string, descriptor: Descriptor): Blob {
  return {
    descriptor,
    open: (fromByte = 0) => openFile(path, fromByte, descriptor.size),
  };
}

function readableOf(bytes: Uint8Array): Readable {
  // An array, because Readable.from(buffer) of an empty buffer would never end in older Node.js.
  return Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
}
