import { InflessError } from '../base/errors.ts';

/** ASCII codes of JSON's punctuation. */
export const Byte = {
  end: 0, // no NUL may stand in JSON text, so it can stand for "nothing more"
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  colon: 0x3a,
  upperE: 0x45,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  lowerE: 0x65,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** Clients on Windows begin their UTF-8 with it; it is passed over, as TensorFlow Serving does. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A place in JSON text, moving forward only. Every complaint names the byte it is about. */
export class JsonCursor {
  readonly bytes: Uint8Array;
  position = 0;
  readonly #text: Buffer;
  readonly #remedy: string;

  /** @param remedy what to send instead, said beside every complaint about JSON itself */
  constructor(body: Uint8Array, remedy: string) {
    // One plain view, so that the hot loops see the same class whether the body came as a Buffer or not.
    this.bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    this.#text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#remedy = remedy;
    if (startsWithMark(this.bytes)) this.position = BYTE_ORDER_MARK.length;
  }

  /** The next byte that is not white space, without consuming it; {@link Byte.end} after the last. */
  peek(): number {
    const { bytes } = this;
    let position = this.position;
    let byte = position < bytes.length ? bytes[position]! : Byte.end;
    while (
      byte === Byte.space ||
      byte === Byte.lineFeed ||
      byte === Byte.carriageReturn ||
      byte === Byte.tab
    ) {
      position += 1;
      byte = position < bytes.length ? bytes[position]! : Byte.end;
    }
    this.position = position;
    return byte;
  }

  /** Consumes a punctuation byte if it is next. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.position += 1;
    return true;
  }

  expect(byte: number): void {
    if (!this.take(byte)) throw this.unexpected(`"${String.fromCharCode(byte)}"`);
  }

  /** @throws InflessError INVALID_INPUT for anything but white space up to the last byte */
  expectEnd(): void {
    if (this.peek() !== Byte.end || this.position < this.bytes.length) throw this.unexpected('the end');
  }

  /** Reads an object, leaving each value to the caller. */
  readObject(onKey: (key: string) => void): void {
    this.expect(Byte.openBrace);
    if (this.take(Byte.closeBrace)) return;
    do {
      const key = this.readString();
      this.expect(Byte.colon);
      onKey(key);
    } while (this.take(Byte.comma));
    this.expect(Byte.closeBrace);
  }

  /** Consumes a bare word such as `true`. */
  takeWord(word: string): boolean {
    if (this.ascii(this.position, this.position + word.length) !== word) return false;
    this.position += word.length;
    return true;
  }

  /** Text known to be ASCII. */
  ascii(start: number, end: number): string {
    return this.#text.toString('latin1', start, end);
  }

  /** The string that comes next, unescaped. */
  readString(): string {
    if (this.peek() !== Byte.quote) throw this.unexpected('a string');
    const { bytes, position: start } = this;
    let simple = true;
    for (let index = start + 1; index < bytes.length; index += 1) {
      const byte = bytes[index]!;
      if (byte === Byte.quote) {
        this.position = index + 1;
        return simple ? this.ascii(start + 1, index) : this.#unescape(start, index + 1);
      }
      if (byte === Byte.backslash) {
        simple = false;
        index += 1;
      } else if (byte < Byte.space) {
        this.position = index;
        throw this.unexpected('no control character in a string');
      } else if (byte > 0x7e) simple = false;
    }
    this.position = bytes.length;
    throw this.unexpected('the end of a string');
  }

  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(strictUtf8.decode(this.#text.subarray(start, end))) as string;
    } catch (cause) {
      throw new InflessError(
        'INVALID_INPUT',
        `The string at byte ${start} has a broken escape or is not UTF-8`,
        {
          cause,
        },
      );
    }
  }

  /** A complaint about what stands here. */
  unexpected(wanted: string): InflessError {
    return new InflessError(
      'INVALID_INPUT',
      `Expected ${wanted} at byte ${this.position}, found ${this.#here()}`,
      { remedy: this.#remedy },
    );
  }

  #here(): string {
    if (this.position >= this.bytes.length) return 'the end';
    const found = this.ascii(this.position, this.position + 12).replace(/[^ -~].*$/s, '…');
    return `\`${found}\``;
  }
}

function startsWithMark(bytes: Uint8Array): boolean {
  return BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte);
}
