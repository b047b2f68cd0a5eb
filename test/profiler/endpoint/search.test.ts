import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SearchLimits, searchRate, type TryRate } from '../../../profiler/endpoint/search.ts';

const LIMITS: SearchLimits = { startRate: 10, minRate: 0.1, maxRate: 10_000, tolerance: 0.05 };

/** Holds up to its capacity; scouts see another one. */
function server(capacity: number, scoutedCapacity = capacity): { tryRate: TryRate; tried: number[] } {
  const tried: number[] = [];
  return {
    tried,
    tryRate: async (rate, kind) => {
      tried.push(rate);
      return rate <= (kind === 'scout' ? scoutedCapacity : capacity) ? 'held' : 'missed';
    },
  };
}

describe('searchRate', () => {
  it('finds any capacity within the tolerance, however wrong the scouts are, in few trials', () => {
    const log = (min: number, max: number): fc.Arbitrary<number> =>
      fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);
    return fc.assert(
      fc.asyncProperty(log(0.3, 9000), log(0.2, 5), log(0.5, 500), async (capacity, error, startRate) => {
        const { tryRate, tried } = server(capacity, capacity * error);
        const { heldRate, missedRate, ended } = await searchRate(tryRate, { ...LIMITS, startRate });
        if (ended === 'none') {
          // Scouts that see a fifth of what there is may find nothing above the lowest rate.
          expect(capacity * error).toBeLessThan(LIMITS.minRate);
          return;
        }
        expect(heldRate).toBeLessThanOrEqual(capacity);
        if (ended === 'at-max-rate') expect(heldRate).toBe(LIMITS.maxRate);
        else expect(missedRate! / heldRate!).toBeLessThanOrEqual(1 + LIMITS.tolerance);
        expect(tried.length).toBeLessThan(40);
      }),
    );
  });

  it('ends at the highest rate it may try', async () => {
    const { tryRate, tried } = server(1e6);
    expect(await searchRate(tryRate, { ...LIMITS, maxRate: 35 })).toEqual({
      heldRate: 35,
      missedRate: null,
      ended: 'at-max-rate',
    });
    expect(tried).toEqual([10, 20, 35, 35]);
  });

  it('says where nothing holds', async () => {
    const { tryRate, tried } = server(0.01);
    expect(await searchRate(tryRate, LIMITS)).toEqual({ heldRate: null, missedRate: 0.1, ended: 'none' });
    expect(tried.at(-1)).toBe(0.1);
  });

  it('keeps what it has when it is cut short', async () => {
    const { tryRate } = server(30);
    let left = 5;
    const result = await searchRate(
      async (rate, kind) => (left-- > 0 ? tryRate(rate, kind) : undefined),
      LIMITS,
    );
    expect(result.ended).toBe('cut-short');
    expect(result.heldRate).toBeCloseTo(Math.sqrt(20 * 40));
    expect(result.missedRate).toBeCloseTo(Math.sqrt(Math.sqrt(20 * 40) * 40));
  });
});
