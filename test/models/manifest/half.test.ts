import { describe, expect, it } from 'vitest';
import { fromHalfBits, toHalfBits } from '../../../models/manifest/half.ts';

const ALL_FINITE = Array.from({ length: 0x7c00 }, (_, bits) => bits);

describe('half precision', () => {
  it('gives back every bit pattern', () => {
    const finite = ALL_FINITE.flatMap((bits) => [bits, bits | 0x8000]);
    expect(finite.filter((bits) => toHalfBits(fromHalfBits(bits)) !== bits)).toEqual([]);
  });

  it('rounds to the nearest, halfway to the even one, from zero to the largest', () => {
    const wrong = ALL_FINITE.slice(0, -1).filter((bits) => {
      const [low, high] = [fromHalfBits(bits), fromHalfBits(bits + 1)];
      const middle = (low + high) / 2;
      const nudge = (high - low) / 1e6;
      return (
        toHalfBits(middle) !== (bits % 2 === 0 ? bits : bits + 1) ||
        toHalfBits(middle - nudge) !== bits ||
        toHalfBits(middle + nudge) !== bits + 1
      );
    });
    expect(wrong).toEqual([]);
  });

  it('knows the values that everybody knows', () => {
    expect([0, -0, 1, -2, 65504, 2 ** -24, 0.1].map(toHalfBits)).toEqual([
      0, 0x8000, 0x3c00, 0xc000, 0x7bff, 1, 0x2e66,
    ]);
    expect([65519.99, 65520, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(toHalfBits)).toEqual([
      0x7bff, 0x7c00, 0x7c00, 0xfc00,
    ]);
    expect(fromHalfBits(toHalfBits(Number.NaN))).toBeNaN();
  });
});
