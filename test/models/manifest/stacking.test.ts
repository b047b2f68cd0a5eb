import { describe, expect, it } from 'vitest';
import { sliceRows } from '../../../models/manifest/stacking.ts';
import type { Tensor } from '../../../models/manifest/tensor.ts';

const TENSOR: Tensor = { dtype: 'int32', shape: [2, 3], data: Int32Array.of(1, 2, 3, 4, 5, 6) };

describe('the rows of a tensor', () => {
  it('are a view along the first axis, and a copy along another', () => {
    expect(sliceRows(TENSOR, 0, 1, 2)).toEqual({ ...TENSOR, shape: [1, 3], data: Int32Array.of(4, 5, 6) });
    expect(sliceRows(TENSOR, 1, 1, 3)).toEqual({
      ...TENSOR,
      shape: [2, 2],
      data: Int32Array.of(2, 3, 5, 6),
    });
    expect(sliceRows(TENSOR, 0, 0, 2)).toBe(TENSOR);
  });

  it.each([
    [0, 1, 3],
    [0, -1, 1],
    [0, 2, 1],
    [1, 0, 4],
    [2, 0, 1],
  ])('are only those that it has: not on axis %i from %i to %i', (axis, start, end) => {
    expect(() => sliceRows(TENSOR, axis, start, end)).toThrow(RangeError);
  });
});
