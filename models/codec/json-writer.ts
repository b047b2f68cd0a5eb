import { InflessError } from '../base/errors.ts';
import { Byte } from './json-cursor.ts';

const INITIAL_BYTES = 4096;

/** JSON text as bytes, growing as it is written, up to a limit. */
export class JsonWriter {
  readonly #most: number;
  #buffer: Buffer;
  #length = 0;

  /** @param mostBytes beyond which writing throws BODY_TOO_LARGE */
  constructor(expectedBytes = INITIAL_BYTES, mostBytes = Number.POSITIVE_INFINITY) {
    this.#most = mostBytes;
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, Math.min(expectedBytes, mostBytes)));
  }

  /** What has been written; a view. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  /** Text known to be ASCII. */
  ascii(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#buffer.write(text, this.#length, 'latin1');
  }

  /** A string in quotes, escaped. */
  string(text: string): void {
    const quoted = JSON.stringify(text);
    this.#reserve(quoted.length * 3);
    this.#length += this.#buffer.write(quoted, this.#length, 'utf8');
  }

  /** The name of what comes next in an object. */
  key(text: string): void {
    this.string(text);
    this.byte(Byte.colon);
  }

  /** `count` items with commas between them, in brackets or braces. */
  series(opener: number, count: number, closer: number, item: (index: number) => void): void {
    this.byte(opener);
    for (let index = 0; index < count; index += 1) {
      if (index > 0) this.byte(Byte.comma);
      item(index);
    }
    this.byte(closer);
  }

  /** A whole number below 2^53, not negative. */
  digits(value: number, count: number): void {
    this.#reserve(count);
    const end = this.#length + count;
    let rest = value;
    for (let index = end - 1; index >= this.#length; index -= 1) {
      const quotient = Math.floor(rest / 10);
      this.#buffer[index] = 0x30 + (rest - quotient * 10);
      rest = quotient;
    }
    this.#length = end;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    if (needed > this.#most) {
      throw answerTooLarge(this.#most);
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** @param most bytes that an answer may have */
export function answerTooLarge(most: number): InflessError {
  return new InflessError('BODY_TOO_LARGE', `The answer would be larger than the ${most} bytes given here`, {
    remedy: 'Send fewer rows in a request.',
  });
}
