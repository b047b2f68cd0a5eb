import { describe, expect, it } from 'vitest';
import { difference } from '../../../../autoscaler/gpu-proof/steps/difference.ts';
import type { NamedTensors } from '../../../../models/manifest/tensor.ts';

function tensors(...data: number[]): NamedTensors {
  return { y: { dtype: 'float32', shape: [data.length], data: Float32Array.from(data) } };
}

describe('difference', () => {
  it('is the largest one, as a share of the largest number', () => {
    expect(difference(tensors(1, -4, 2), tensors(1, -4, 2))).toBe(0);
    expect(difference(tensors(1, -4, 2), tensors(1.5, -4, 2))).toBeCloseTo(0.125);
  });

  it.each([
    ['another length', tensors(1, 2)],
    ['no number', tensors(1, Number.NaN, 2)],
    ['another output', { z: tensors(1, -4, 2).y! }],
  ])('is beyond measure for %s', (_, actual) => {
    expect(difference(tensors(1, -4, 2), actual)).toBe(Infinity);
  });
});
