import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../../autoscaler/kubernetes/quantity.ts';

describe('a quantity', () => {
  it.each([
    ['2', 2],
    ['250m', 0.25],
    ['1.5', 1.5],
    ['100Ki', 102_400],
    ['16Gi', 16 * 2 ** 30],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['3M', 3e6],
    ['2e3', 2_000],
    ['1E3', 1_000],
    ['2E', 2e18],
    ['12345n', 12_345e-9],
    ['0', 0],
  ])('%s is %d', (text, amount) => {
    expect(parseQuantity(text)).toBeCloseTo(amount, 12);
  });

  it.each(['', 'much', '1x', '1 Gi'])('%j is none', (text) => {
    expect(() => parseQuantity(text)).toThrow('is no quantity');
  });
});
