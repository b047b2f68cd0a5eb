import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addTo,
  amountsOf,
  DEVICE_INDICES,
  DIMENSIONS,
  dot,
  fits,
  isAtMost,
  larger,
  SHARED_INDICES,
  scale,
  timesIn,
  type Vector,
  vectorOf,
  ZERO,
} from '../../../models/base/resources.ts';

const vector = fc.array(fc.integer({ min: 0, max: 1000 }), {
  minLength: ZERO.length,
  maxLength: ZERO.length,
});
const ALL = ZERO.map((_, index) => index);

describe('resources', () => {
  it('are the same as a record and as a vector', () => {
    fc.assert(
      fc.property(vector, (amounts) => {
        expect(vectorOf(amountsOf(amounts))).toEqual(amounts);
      }),
    );
    expect(Object.keys(amountsOf(ZERO))).toEqual(Object.keys(DIMENSIONS));
  });

  it('are each either shared or of a device', () => {
    expect([...SHARED_INDICES, ...DEVICE_INDICES].sort()).toEqual(ALL);
  });

  it('fit as many times as they can be taken away', () => {
    fc.assert(
      fc.property(vector, vector, (needed, free) => {
        fc.pre(needed.some((amount) => amount > 0));
        const times = timesIn(needed, free, ALL);
        const left = (taken: number): Vector => {
          const rest = [...free];
          addTo(rest, needed, -taken);
          return rest;
        };
        expect(isAtMost(ZERO, left(times))).toBe(true);
        expect(isAtMost(ZERO, left(times + 1))).toBe(false);
        expect(fits(needed, free, ALL)).toBe(times > 0);
      }),
    );
  });

  it('cost the sum of what their parts cost', () => {
    fc.assert(
      fc.property(vector, vector, vector, (a, b, prices) => {
        const both = [...a];
        addTo(both, b);
        expect(dot(both, prices)).toBe(dot(a, prices) + dot(b, prices));
        expect(dot(scale(a, 2), prices)).toBe(2 * dot(a, prices));
        expect(isAtMost(a, larger(a, b))).toBe(true);
      }),
    );
  });
});
