import { Byte, type JsonCursor } from './json-cursor.ts';

/** Digits a double holds exactly whatever they are. */
const EXACT_DIGITS = 15;
/** Powers of ten that a double holds exactly: scaling by one of them rounds once. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const LARGEST_POWER = 22;

/**
 * Reads one JSON number in a single pass over its digits. What it saw stays in the fields, so that each element
 * type can take the cheapest way to a value that is right for it.
 */
export class NumberScanner {
  start = 0;
  end = 0;
  negative = false;
  /** The first 15 significant digits. */
  mantissa = 0;
  /** Power of ten that goes with the mantissa. */
  exponent = 0;
  /** Significant digits in the text: beyond 15 the mantissa lacks some. */
  digits = 0;
  /** Written without fraction and exponent. */
  plain = true;

  /** Consumes the number at the cursor. Returns false, consuming nothing, where there is none. */
  scan(cursor: JsonCursor): boolean {
    const { bytes } = cursor;
    const { length } = bytes;
    let position = cursor.position;
    this.start = position;
    let byte = position < length ? bytes[position]! : Byte.end;
    const negative = byte === Byte.minus;
    if (negative) byte = ++position < length ? bytes[position]! : Byte.end;
    let mantissa = 0;
    let digits = 0;
    let exponent = 0;
    if (byte === Byte.zero) {
      byte = ++position < length ? bytes[position]! : Byte.end;
    } else if (byte > Byte.zero && byte <= Byte.nine) {
      do {
        if (digits < EXACT_DIGITS) mantissa = mantissa * 10 + (byte - Byte.zero);
        else exponent += 1;
        digits += 1;
        byte = ++position < length ? bytes[position]! : Byte.end;
      } while (byte >= Byte.zero && byte <= Byte.nine);
    } else {
      return false;
    }
    let plain = true;
    if (byte === Byte.dot) {
      plain = false;
      const first = position + 1;
      byte = ++position < length ? bytes[position]! : Byte.end;
      while (byte >= Byte.zero && byte <= Byte.nine) {
        if (digits < EXACT_DIGITS) {
          mantissa = mantissa * 10 + (byte - Byte.zero);
          exponent -= 1;
        }
        if (mantissa !== 0) digits += 1;
        byte = ++position < length ? bytes[position]! : Byte.end;
      }
      if (position === first) return this.#broken(cursor, position);
    }
    if (byte === Byte.lowerE || byte === Byte.upperE) {
      plain = false;
      byte = ++position < length ? bytes[position]! : Byte.end;
      const down = byte === Byte.minus;
      if (down || byte === Byte.plus) byte = ++position < length ? bytes[position]! : Byte.end;
      const first = position;
      let scale = 0;
      while (byte >= Byte.zero && byte <= Byte.nine) {
        scale = scale * 10 + (byte - Byte.zero);
        byte = ++position < length ? bytes[position]! : Byte.end;
      }
      if (position === first) return this.#broken(cursor, position);
      exponent += down ? -scale : scale;
    }
    this.end = position;
    this.negative = negative;
    this.mantissa = mantissa;
    this.digits = digits;
    this.exponent = exponent;
    this.plain = plain;
    cursor.position = position;
    return true;
  }

  /** Whether {@link approximate} can be had without looking at the text again. */
  get scalable(): boolean {
    return this.exponent >= -LARGEST_POWER && this.exponent <= LARGEST_POWER;
  }

  /** Whether {@link approximate} is the correctly rounded double. */
  get exact(): boolean {
    return this.digits <= EXACT_DIGITS && this.scalable;
  }

  /** The value, within 100 units of a double's last place even where digits were left out. Only if scalable. */
  approximate(): number {
    const { exponent } = this;
    const magnitude =
      exponent < 0 ? this.mantissa / POWERS_OF_TEN[-exponent]! : this.mantissa * POWERS_OF_TEN[exponent]!;
    return this.negative ? -magnitude : magnitude;
  }

  /** The number as it was written. */
  text(cursor: JsonCursor): string {
    return cursor.ascii(this.start, this.end);
  }

  #broken(cursor: JsonCursor, position: number): never {
    cursor.position = position;
    throw cursor.unexpected('a digit');
  }
}
