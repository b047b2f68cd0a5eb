/** Half-precision numbers as their 16 bits: Node.js 20 has no Float16Array. */

const LARGEST_ROUNDED = 65_520; // this and above round to infinity
const SMALLEST_NORMAL = 2 ** -14;
const SUBNORMAL_STEPS = 2 ** 24;

const scratch = new DataView(new ArrayBuffer(8));

/** The bits of the half nearest to a number, ties to even. */
export function toHalfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= LARGEST_ROUNDED) return sign | 0x7c00;
  // A mantissa that rounds up to its limit carries into the exponent, which is then right as well.
  if (magnitude < SMALLEST_NORMAL) return sign | roundToEven(magnitude * SUBNORMAL_STEPS);
  scratch.setFloat64(0, magnitude);
  const exponent = (scratch.getUint16(0) >> 4) - 1023;
  return sign | (((exponent + 14) << 10) + roundToEven(magnitude * 2 ** (10 - exponent)));
}

/** The number that half-precision bits stand for. */
export function fromHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * (mantissa / SUBNORMAL_STEPS);
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor + (floor & 1);
  return rest < 0.5 ? floor : floor + 1;
}
