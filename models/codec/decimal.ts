/**
 * Rounding decimal text once, to the type that keeps it. Reading it as a double and then narrowing rounds
 * twice, which is wrong when the double falls exactly between two neighbours of the narrow type while the
 * text does not.
 */

const asDouble = new Float64Array(1);
const asBits = new BigUint64Array(asDouble.buffer);
const asWords = new Uint32Array(asDouble.buffer); // little-endian: word 0 holds the low bits

const FLOAT32_DROPPED = 0x1fffffff;
const FLOAT32_HALF = 0x10000000;

/** A double whose narrowing to float32 is the text rounded once. */
export function decimalForFloat32(text: string): number {
  const value = Number(text);
  return isFloat32Tie(value) ? leanTowards(text, value) : value;
}

/** A double whose narrowing to float16 is the text rounded once. */
export function decimalForFloat16(text: string): number {
  const value = Number(text);
  return isFloat16Tie(value) ? leanTowards(text, value) : value;
}

/**
 * How far a double lies from the nearest point halfway between two float32 numbers, in the double's own last
 * places; only for magnitudes in float32's normal range.
 */
export function distanceToFloat32Tie(value: number): number {
  asDouble[0] = value;
  return Math.abs((asWords[0]! & FLOAT32_DROPPED) - FLOAT32_HALF);
}

function isFloat32Tie(value: number): boolean {
  if (Math.abs(value) < 2 ** -126) return isHalfway(value * 2 ** 149);
  return distanceToFloat32Tie(value) === 0;
}

function isFloat16Tie(value: number): boolean {
  if (Math.abs(value) < 2 ** -14) return isHalfway(value * 2 ** 24);
  asDouble[0] = value;
  return asWords[0] === 0 && (asWords[1]! & 0x3ff) === 0x200;
}

function isHalfway(value: number): boolean {
  return Math.abs(value % 1) === 0.5;
}

/** The double next to a tie on the side where the text lies; the tie itself when the text is exactly that. */
function leanTowards(text: string, tie: number): number {
  const side = compareMagnitude(text, tie);
  if (side === 0) return tie;
  asDouble[0] = tie;
  asBits[0]! += side > 0 ? 1n : -1n;
  return asDouble[0];
}

/** A little more than the point between any two doubles has (767). */
const DECISIVE_DIGITS = 800;

/**
 * So many digits as can matter beside a tie, and one that says whether anything follows: millions of them in
 * a request would otherwise take seconds as a BigInt.
 */
function boundedDigits(digits: string): string {
  if (digits.length <= DECISIVE_DIGITS) return digits;
  const rest = /[1-9]/.test(digits.slice(DECISIVE_DIGITS)) ? '1' : '0';
  return digits.slice(0, DECISIVE_DIGITS) + rest;
}

/** The sign of |text| − |value|, exactly. */
function compareMagnitude(text: string, value: number): number {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = boundedDigits(all);
  let left = BigInt(digits);
  const tens = Number(exponent) - fraction.length + all.length - digits.length;

  asDouble[0] = Math.abs(value);
  const biased = Number(asBits[0]! >> 52n);
  const mantissa = asBits[0]! & 0xfffffffffffffn;
  let right = biased === 0 ? mantissa : mantissa | 0x10000000000000n;
  const twos = Math.max(biased, 1) - 1075;

  if (tens > 0) left *= 10n ** BigInt(tens);
  else right *= 10n ** BigInt(-tens);
  if (twos > 0) right <<= BigInt(twos);
  else left <<= BigInt(-twos);
  return left === right ? 0 : left > right ? 1 : -1;
}
