import { describe, expect, it } from 'vitest';
import { Tolerance } from '../../../../models/engines/batch-axes/tolerance.ts';
import type { Tensor } from '../../../../models/manifest/tensor.ts';

const floats = (...values: number[]): Tensor => ({
  dtype: 'float32',
  shape: [1, values.length],
  data: Float32Array.from(values),
});
const whole = (...values: number[]): Tensor => ({
  dtype: 'int8',
  shape: [1, values.length],
  data: Int8Array.from(values),
});

function isAllowed(got: Tensor, wanted: Tensor, others: readonly Tensor[] = [], step?: number): boolean {
  const exactness = { precision: step === undefined ? 'single' : 'quantised', step } as const;
  return new Tolerance([wanted, ...others], exactness)
    .distances(got, wanted)
    .every((distance) => distance <= 1);
}

describe('how far an answer may be off', () => {
  it('is a thousandth of the largest of its row, not of a larger row', () => {
    expect(isAllowed(floats(1.0009, 1), floats(1, 1))).toBe(true);
    expect(isAllowed(floats(1.002, 1), floats(1, 1))).toBe(false);
    expect(isAllowed(floats(1.002, 1), floats(1, 1), [floats(1e6, 1e6)])).toBe(false);
  });

  it('is less for an element that is always small beside the others', () => {
    expect(isAllowed(floats(1000, 0.01), floats(1000, 0), [floats(2000, 0.001)])).toBe(false);
    expect(isAllowed(floats(1000, 0.01), floats(1000, 0), [floats(1000, 1000)])).toBe(true);
  });

  it('is nothing for whole numbers, and two steps where the graph is quantised', () => {
    expect(isAllowed(whole(3), whole(4))).toBe(false);
    expect(isAllowed(whole(3), whole(5), [], 0.1)).toBe(true);
    expect(isAllowed(whole(3), whole(6), [], 0.1)).toBe(false);
    expect(isAllowed(floats(1.2), floats(1), [], 0.1)).toBe(true);
    expect(isAllowed(floats(1.3), floats(1), [], 0.1)).toBe(false);
  });

  it('says nothing of what is no number alone, and sees where a number becomes none', () => {
    expect(isAllowed(floats(5, 1), floats(Number.NaN, 1))).toBe(true);
    expect(isAllowed(floats(5, Number.NaN), floats(5, 1))).toBe(false);
  });
});
