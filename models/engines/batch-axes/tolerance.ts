import { fromHalfBits } from '../../manifest/half.ts';
import type { DType, Tensor } from '../../manifest/tensor.ts';
import type { Precision } from './evidence.ts';

/**
 * How far an element may be from what it is alone, relative to its own range: other kernels round otherwise
 * for other sizes. `floor` is where rounding ends, relative to the largest element of the row.
 */
const TOLERANCES: Readonly<Record<Precision, { readonly own: number; readonly floor: number }>> = {
  single: { own: 1e-3, floor: 1e-6 },
  half: { own: 1e-2, floor: 1e-3 },
  quantised: { own: 1e-2, floor: 1e-2 },
};

/** Static quantisation may round to the next step, and so may what is computed from that. */
const STEPS = 2;

export interface Exactness {
  readonly precision: Precision;
  /** Of a graph that ends by dequantising the output. */
  readonly step?: number | undefined;
}

/**
 * How far answers may differ. The range of an element is that of the same element in the answers to several
 * rows, each row scaled by its largest element: a small row beside a large one, and a small column beside a
 * large one, are judged by their own size.
 */
export class Tolerance {
  readonly #shares: Float64Array | undefined;
  readonly #exactness: Exactness;

  /** @param alone answers of one output to several rows, each asked alone */
  constructor(alone: readonly Tensor[], exactness: Exactness) {
    this.#exactness = exactness;
    this.#shares = shares(alone);
  }

  /**
   * By how many tolerances each element is off; infinite for whole numbers, flags and texts that are not
   * the same. An element that is no number when it is asked alone proves nothing: 0.
   */
  distances(actual: Tensor, alone: Tensor): Float64Array {
    const wanted = decimals(alone);
    const got = decimals(actual);
    if (wanted === undefined || got === undefined) return this.#exact(actual, alone);
    const { precision, step } = this.#exactness;
    const { own, floor } = TOLERANCES[step === undefined ? precisionOf(alone.dtype, precision) : 'single'];
    const peak = peakOf(wanted);
    const steps = STEPS * (step ?? 0) * 1.001;
    return Float64Array.from(wanted, (value, at) => {
      if (!Number.isFinite(value)) return 0;
      const off = Math.abs(value - got[at]!);
      if (off === 0) return 0;
      const allowed = Math.max(peak * Math.max(own * (this.#shares?.[at] ?? 1), floor), steps);
      return Number.isNaN(off) ? Number.POSITIVE_INFINITY : off / allowed;
    });
  }

  #exact({ data: got }: Tensor, { dtype, data: wanted }: Tensor): Float64Array {
    const isCode = this.#exactness.precision === 'quantised' && (dtype === 'int8' || dtype === 'uint8');
    return Float64Array.from({ length: wanted.length }, (_, at) => {
      if (wanted[at] === got[at]) return 0;
      if (!isCode) return Number.POSITIVE_INFINITY;
      return Math.abs(Number(wanted[at]) - Number(got[at])) / STEPS;
    });
  }
}

/** Whether a lone answer says something: not all of its elements are infinite or no numbers. */
export function saysSomething(alone: Tensor): boolean {
  const values = decimals(alone);
  return values === undefined || values.length === 0 || values.some((value) => Number.isFinite(value));
}

function precisionOf(dtype: DType, precision: Precision): Precision {
  return dtype === 'float16' && precision === 'single' ? 'half' : precision;
}

/** For each element, its size relative to the largest one of its row, where that is most. */
function shares(rows: readonly Tensor[]): Float64Array | undefined {
  const all = rows.map(decimals).filter((each) => each !== undefined);
  const length = all[0]?.length;
  if (length === undefined || all.some((each) => each.length !== length)) return undefined;
  const most = new Float64Array(length);
  for (const values of all) {
    const peak = peakOf(values);
    if (peak === 0) continue;
    for (const [at, value] of values.entries()) {
      if (Number.isFinite(value)) most[at] = Math.max(most[at]!, Math.abs(value) / peak);
    }
  }
  return most;
}

function peakOf(values: Float32Array | Float64Array): number {
  let peak = 0;
  for (const value of values) if (Number.isFinite(value)) peak = Math.max(peak, Math.abs(value));
  return peak;
}

/** The values of a tensor of floats. */
function decimals({ dtype, data }: Tensor): Float32Array | Float64Array | undefined {
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, fromHalfBits);
  return data instanceof Float32Array || data instanceof Float64Array ? data : undefined;
}
