import { fromHalfBits } from '../manifest/half.ts';
import type { DType } from '../manifest/tensor.ts';
import { Byte } from './json-cursor.ts';
import type { JsonWriter } from './json-writer.ts';

/** Writes one element of a tensor as a JSON scalar. */
export type ScalarWriter = (writer: JsonWriter, value: number | bigint | string) => void;

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Seven digits find every shorter decimal too, with zeros at its end; nine tell any two float32 apart. */
const FEWEST_DIGITS = 7;
const MOST_DIGITS = 9;
/** Between these, text without an exponent is short. */
const PLAIN_FROM = 1e-5;
const PLAIN_TO = 1e9;

/**
 * Writes a float32 with the fewest digits that read back as the same float32: `0.1`, not the
 * `0.10000000149011612` of the double that JavaScript holds it in.
 */
export function writeFloat32(writer: JsonWriter, value: number): void {
  const magnitude = Math.abs(value);
  if (!(magnitude >= PLAIN_FROM && magnitude < PLAIN_TO)) {
    writeOtherFloat32(writer, value);
    return;
  }
  if (value < 0) writer.byte(Byte.minus);
  if (Number.isInteger(magnitude)) {
    writeDecimal(writer, magnitude * 10, 1);
    return;
  }
  const whole = magnitudeOf(magnitude);
  for (let digits = FEWEST_DIGITS; ; digits += 1) {
    const decimals = digits - whole;
    const scale = POWERS_OF_TEN[decimals]!;
    const scaled = Math.round(magnitude * scale);
    if (digits === MOST_DIGITS || Math.fround(scaled / scale) === magnitude) {
      writeDecimal(writer, scaled, decimals);
      return;
    }
  }
}

/** Digits before the point; for numbers below one, minus the zeros after it. */
function magnitudeOf(value: number): number {
  if (value >= 1) return digitsOf(value);
  if (value >= 0.1) return 0;
  if (value >= 0.01) return -1;
  if (value >= 0.001) return -2;
  return value >= 0.0001 ? -3 : -4;
}

function digitsOf(value: number): number {
  let count = 1;
  while (value >= POWERS_OF_TEN[count]!) count += 1;
  return count;
}

/** `scaled` / 10^`decimals`, without the zeros at its end. */
function writeDecimal(writer: JsonWriter, scaled: number, decimals: number): void {
  let digits = scaled;
  let count = decimals;
  while (count > 1 && digits % 10 === 0) {
    digits /= 10;
    count -= 1;
  }
  const scale = POWERS_OF_TEN[count]!;
  const whole = Math.floor(digits / scale);
  writer.digits(whole, digitsOf(whole));
  writer.byte(Byte.dot);
  writer.digits(digits - whole * scale, count);
}

/** Zeros, the very small, the very large and what is not a number. */
function writeOtherFloat32(writer: JsonWriter, value: number): void {
  let digits = FEWEST_DIGITS;
  let shorter = value === 0 ? value : Number(value.toPrecision(digits)); // which loses the sign of zero
  while (digits < MOST_DIGITS && Math.fround(shorter) !== value) {
    digits += 1;
    shorter = Number(value.toPrecision(digits));
  }
  writeFloat64(writer, shorter);
}

/** Whole values keep their point, so that a typed client reads a float; NaN and infinities are bare words. */
function writeFloat64(writer: JsonWriter, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) {
    writer.ascii(Object.is(value, -0) ? '-0.0' : `${value}.0`);
  } else {
    writer.ascii(String(value));
  }
}

function writeNumber(writer: JsonWriter, value: number | bigint | string): void {
  writer.ascii(String(value));
}

export const SCALAR_WRITERS: Readonly<Record<DType, ScalarWriter>> = {
  float32: (writer, value) => writeFloat32(writer, value as number),
  float64: (writer, value) => writeFloat64(writer, value as number),
  float16: (writer, value) => writeFloat32(writer, fromHalfBits(value as number)),
  int8: writeNumber,
  uint8: writeNumber,
  int16: writeNumber,
  uint16: writeNumber,
  int32: writeNumber,
  uint32: writeNumber,
  int64: writeNumber,
  uint64: writeNumber,
  bool: (writer, value) => writer.ascii(value === 0 ? 'false' : 'true'),
  string: (writer, value) => writer.string(value as string),
};
