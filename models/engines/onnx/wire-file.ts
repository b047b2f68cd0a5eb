import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Field headers lie close together; what lies between them is skipped unread. */
const WINDOW_BYTES = 64 << 10;

const LONGEST_TEXT_BYTES = 4096;

/**
 * One field of a protobuf message: where it begins, and where its content starts and ends, for
 * length-delimited ones.
 */
export interface WireField {
  readonly number: number;
  readonly isBytes: boolean;
  readonly begin: number;
  readonly start: number;
  readonly end: number;
}

/** The bytes are no protobuf message. */
export class WireError extends Error {}

/**
 * A protobuf message in a file, walked field by field. Only headers are read, so that a model of gigabytes
 * costs no more memory than one of kilobytes.
 */
export class WireFile {
  readonly sizeBytes: number;
  readonly #descriptor: number;
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES);
  #windowStart = 0;
  #windowEnd = 0;
  #position = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
    this.sizeBytes = fstatSync(this.#descriptor).size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** The fields between two offsets. @throws WireError */
  *fields(start: number, end: number): Generator<WireField> {
    for (let position = start; position < end; ) {
      this.#position = position;
      const tag = this.#varint(end);
      const field = { begin: position, ...this.#content(Math.floor(tag / 8), tag % 8, end) };
      yield field;
      position = field.end;
    }
  }

  /** The content of a string field that holds a path or less. @throws WireError */
  text({ start, end }: WireField): string {
    if (end - start > LONGEST_TEXT_BYTES) throw new WireError('text longer than a path');
    return this.bytes(start, end).toString('utf8');
  }

  /** What lies between two offsets, as it is. @throws WireError */
  bytes(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    const read = readSync(this.#descriptor, bytes, 0, bytes.byteLength, start);
    if (read < bytes.byteLength) throw new WireError('file became shorter');
    return bytes;
  }

  #content(number: number, wireType: number, end: number): Omit<WireField, 'begin'> {
    let length = 0;
    if (wireType === 0) this.#varint(end);
    else if (wireType === 1) length = 8;
    else if (wireType === 2) length = this.#varint(end);
    else if (wireType === 5) length = 4;
    else throw new WireError(`wire type ${wireType}`);
    const start = this.#position;
    if (number === 0 || start + length > end) throw new WireError('field beyond its message');
    return { number, isBytes: wireType === 2, start, end: start + length };
  }

  #varint(end: number): number {
    let value = 0;
    for (let scale = 1; this.#position < end; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale; // beyond 2^53 it is no length, and only lengths must be exact
      if (byte < 0x80) return value;
      if (scale > 2 ** 63) break;
    }
    throw new WireError('number without end');
  }

  #byte(): number {
    if (this.#position < this.#windowStart || this.#position >= this.#windowEnd) {
      this.#windowStart = this.#position;
      const read = readSync(this.#descriptor, this.#window, 0, WINDOW_BYTES, this.#position);
      if (read === 0) throw new WireError('file became shorter');
      this.#windowEnd = this.#position + read;
    }
    const byte = this.#window[this.#position - this.#windowStart]!;
    this.#position += 1;
    return byte;
  }
}
