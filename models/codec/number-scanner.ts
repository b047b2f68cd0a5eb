import { Byte, type JsonCursor } from './json-cursor.ts';

/** Digits a double holds exactly whatever they are. */
const EXACT_DIGITS = 15;
/** Digits that fit a 32-bit integer: gathering them there is several times faster than in a double. */
const HIGH_DIGITS = 9;
/** Powers of ten that a double holds exactly: scaling by one of them rounds once. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const LARGEST_POWER = 22;

/** Names of this module, because the hot loops read constants of their own faster than another object's. */
const { zero: ZERO, minus: MINUS, plus: PLUS, dot: DOT, lowerE: LOWER_E, upperE: UPPER_E } = Byte;

/**
 * Reads one JSON number in a single pass over its digits, and remembers how it was written, so that each
 * element type can take the cheapest way to a value that is right for it.
 *
 * Reading past the end of the bytes gives `undefined`, which no comparison holds for: the loops need no other
 * end.
 */
export class NumberScanner {
  /** Whether there was a number at all. */
  found = false;
  /** Whether the value is the correctly rounded double. */
  exact = false;
  /** Written without fraction and exponent. */
  plain = false;
  /** Where its text is. */
  start = 0;
  end = 0;

  /**
   * Consumes the number at the cursor, if there is one.
   *
   * @returns the value within 100 units of a double's last place (exactly rounded if {@link exact}); NaN
   * where that takes more than scaling once, and where there is no number.
   */
  scan(cursor: JsonCursor): number {
    const { bytes } = cursor;
    let position = cursor.position;
    this.start = position;
    const negative = bytes[position] === MINUS;
    if (negative) position += 1;
    let high = 0; // the first nine significant digits
    let low = 0; // the next six
    let digits = 0;
    let exponent = 0;

    let digit = bytes[position]! - ZERO;
    if (digit === 0) {
      position += 1;
    } else if (digit > 0 && digit <= 9) {
      do {
        if (digits < HIGH_DIGITS) high = (high * 10 + digit) | 0;
        else if (digits < EXACT_DIGITS) low = (low * 10 + digit) | 0;
        else exponent += 1;
        digits += 1;
        position += 1;
        digit = bytes[position]! - ZERO;
      } while (digit >= 0 && digit <= 9);
    } else {
      this.found = false;
      return Number.NaN;
    }

    let plain = true;
    if (bytes[position] === DOT) {
      plain = false;
      position += 1;
      digit = bytes[position]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) throw broken(cursor, position);
      do {
        if (digits < HIGH_DIGITS) {
          high = (high * 10 + digit) | 0;
          exponent -= 1;
        } else if (digits < EXACT_DIGITS) {
          low = (low * 10 + digit) | 0;
          exponent -= 1;
        }
        if (high !== 0) digits += 1;
        position += 1;
        digit = bytes[position]! - ZERO;
      } while (digit >= 0 && digit <= 9);
    }

    if (bytes[position] === LOWER_E || bytes[position] === UPPER_E) {
      plain = false;
      position += 1;
      const down = bytes[position] === MINUS;
      if (down || bytes[position] === PLUS) position += 1;
      digit = bytes[position]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) throw broken(cursor, position);
      let scale = 0;
      do {
        scale = scale * 10 + digit;
        position += 1;
        digit = bytes[position]! - ZERO;
      } while (digit >= 0 && digit <= 9);
      exponent += down ? -scale : scale;
    }

    cursor.position = position;
    this.found = true;
    this.plain = plain;
    this.end = position;
    if (exponent < -LARGEST_POWER || exponent > LARGEST_POWER) {
      this.exact = false;
      return Number.NaN;
    }
    this.exact = digits <= EXACT_DIGITS;
    const mantissa =
      digits <= HIGH_DIGITS
        ? high
        : high * POWERS_OF_TEN[Math.min(digits, EXACT_DIGITS) - HIGH_DIGITS]! + low;
    const value = exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent]! : mantissa * POWERS_OF_TEN[exponent]!;
    return negative ? -value : value;
  }

  /** The number as it was written. */
  text(cursor: JsonCursor): string {
    return cursor.ascii(this.start, this.end);
  }

  /** The correctly rounded double of what {@link scan} found. */
  rounded(cursor: JsonCursor, scanned: number): number {
    return this.exact ? scanned : Number(this.text(cursor));
  }
}

function broken(cursor: JsonCursor, position: number): Error {
  cursor.position = position;
  return cursor.unexpected('a digit');
}
