import { InflessError } from '../base/errors.ts';
import { toHalfBits } from '../manifest/half.ts';
import type { DType } from '../manifest/tensor.ts';
import { decimalForFloat16, decimalForFloat32, distanceToFloat32Tie } from './decimal.ts';
import type { JsonCursor } from './json-cursor.ts';
import { NumberScanner } from './number-scanner.ts';

/** Consumes one JSON scalar and gives it as an element of a tensor. */
export type ScalarReader = (cursor: JsonCursor) => number | bigint | string;

const number = new NumberScanner(); // reading is synchronous: one is enough for all

/** From here on, numbers round to infinity: half a unit of the last place above the largest of the type. */
const FLOAT32_OVERFLOW = 2 ** 128 - 2 ** 103;
const FLOAT16_OVERFLOW = 65_520;

/** Twice the error of what {@link NumberScanner.scan} gives. */
const TIE_MARGIN = 200;

/** A double whose narrowing to float32 is the number that comes next, rounded once. */
export function readFloat32(cursor: JsonCursor): number {
  const value = number.scan(cursor);
  if (!number.found) return readSpecialFloat(cursor);
  // Scaled once, nothing comes near float32's limit, and what is nowhere near the middle of two float32
  // numbers narrows as the exact value would.
  if (!Number.isNaN(value) && distanceToFloat32Tie(value) > TIE_MARGIN) return value;
  return withinRange(cursor, 'float32', decimalForFloat32(number.text(cursor)), FLOAT32_OVERFLOW);
}

function readFloat64(cursor: JsonCursor): number {
  const value = number.scan(cursor);
  if (!number.found) return readSpecialFloat(cursor);
  return number.exact ? value : withinRange(cursor, 'float64', number.rounded(cursor, value), Infinity);
}

function readFloat16(cursor: JsonCursor): number {
  number.scan(cursor);
  if (!number.found) return toHalfBits(readSpecialFloat(cursor));
  return toHalfBits(withinRange(cursor, 'float16', decimalForFloat16(number.text(cursor)), FLOAT16_OVERFLOW));
}

/**
 * Who means infinity can write it; a finite number that becomes infinite is a mistake, as in TensorFlow
 * Serving.
 */
function withinRange(cursor: JsonCursor, dtype: DType, value: number, overflow: number): number {
  if (Math.abs(value) < overflow) return value;
  throw new InflessError('INVALID_INPUT', `${shownNumber(cursor)} is beyond the range of ${dtype}`);
}

/** Not JSON, but Python's `json` and the servers of models take and write them. */
function readSpecialFloat(cursor: JsonCursor): number {
  if (cursor.takeWord('NaN')) return Number.NaN;
  const minus = cursor.takeWord('-');
  if (cursor.takeWord('Infinity') || cursor.takeWord('Inf')) {
    return minus ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  throw cursor.unexpected('a number');
}

function readInteger(dtype: DType, least: number, most: number): ScalarReader {
  return (cursor) => {
    const value = number.rounded(cursor, scanNumber(cursor));
    if (!Number.isInteger(value) || value < least || value > most) throw misfit(cursor, dtype);
    return value;
  };
}

/** 64-bit integers go past doubles, which would round them. */
function readBigInteger(dtype: DType, least: bigint, most: bigint): ScalarReader {
  const longest = Math.max(String(least).length, String(most).length);
  return (cursor) => {
    const scanned = scanNumber(cursor);
    if (number.plain && number.exact) return checkRange(BigInt(scanned));
    if (number.plain && number.end - number.start <= longest) return checkRange(BigInt(number.text(cursor)));
    const rounded = number.plain ? Number.NaN : number.rounded(cursor, scanned);
    if (!Number.isSafeInteger(rounded)) throw misfit(cursor, dtype);
    return checkRange(BigInt(rounded)); // 1e3 is as good as 1000

    function checkRange(value: bigint): bigint {
      if (value < least || value > most) throw misfit(cursor, dtype);
      return value;
    }
  };
}

function scanNumber(cursor: JsonCursor): number {
  const value = number.scan(cursor);
  if (!number.found) throw cursor.unexpected('a number');
  return value;
}

function readBool(cursor: JsonCursor): number {
  if (cursor.takeWord('true')) return 1;
  if (cursor.takeWord('false')) return 0;
  throw cursor.unexpected('true or false');
}

function misfit(cursor: JsonCursor, dtype: DType): InflessError {
  return new InflessError('INVALID_INPUT', `${shownNumber(cursor)} is not a value of type ${dtype}`);
}

function shownNumber(cursor: JsonCursor): string {
  const written = number.text(cursor);
  const shown = written.length <= 40 ? written : `${written.slice(0, 40)}…`;
  return `${shown} at byte ${number.start}`;
}

export const SCALAR_READERS: Readonly<Record<DType, ScalarReader>> = {
  float32: readFloat32,
  float64: readFloat64,
  float16: readFloat16,
  int8: readInteger('int8', -128, 127),
  uint8: readInteger('uint8', 0, 255),
  int16: readInteger('int16', -32_768, 32_767),
  uint16: readInteger('uint16', 0, 65_535),
  int32: readInteger('int32', -(2 ** 31), 2 ** 31 - 1),
  uint32: readInteger('uint32', 0, 2 ** 32 - 1),
  int64: readBigInteger('int64', -(2n ** 63n), 2n ** 63n - 1n),
  uint64: readBigInteger('uint64', 0n, 2n ** 64n - 1n),
  bool: readBool,
  string: (cursor) => cursor.readString(),
};
