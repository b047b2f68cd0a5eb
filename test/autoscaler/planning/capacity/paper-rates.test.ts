import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bandDecision,
  paperRateBand,
  paperRateModel,
  shareRates,
} from '../../../../autoscaler/planning/capacity/paper-rates.ts';
import { candidate } from '../../../support/planning.ts';

describe('the paper’s rates of a config', () => {
  it('are those of its example: T = 200 ms, t = 50 ms, b = 4', () => {
    expect(paperRateBand(candidate(4, 1000, 50), 200)).toEqual({ lowPerSecond: 28, highPerSecond: 80 });
  });

  it('begin at nothing where one request is a batch', () => {
    expect(paperRateBand(candidate(1, 1000, 150), 200)).toEqual({ lowPerSecond: 0, highPerSecond: 6 });
  });

  it.each([
    { batch: 4, executionMs: 100, feasible: true },
    { batch: 4, executionMs: 100.1, feasible: false },
    { batch: 1, executionMs: 200, feasible: true },
    { batch: 1, executionMs: 200.1, feasible: false },
  ])('exist for b = $batch, t = $executionMs ms at 200 ms: $feasible', ({ batch, executionMs, feasible }) => {
    expect(paperRateBand(candidate(batch, 1000, executionMs), 200) !== undefined).toBe(feasible);
  });

  it('are not rounded down to nothing where a batch takes more than a second', () => {
    expect(paperRateBand(candidate(4, 1000, 1600), 10_000)?.highPerSecond).toBe(2.5);
  });

  it('go by the tail, not by the mean', () => {
    const uneven = candidate(4, 1000, 30, { tailMs: 50 });
    expect(paperRateBand(uneven, 200)).toEqual({ lowPerSecond: 28, highPerSecond: 80 });
  });
});

describe('the dispatch band', () => {
  const bands = [
    { lowPerSecond: 28, highPerSecond: 80 },
    { lowPerSecond: 0, highPerSecond: 20 },
  ];

  it.each([
    [101, 'scale-out'],
    [100, 'keep'],
    [86, 'keep'], // 28 + 0.8 · 72 = 85.6
    [85, 'release'],
    [0, 'release'],
  ] as const)('says at %d requests a second: %s', (ratePerSecond, decision) => {
    expect(bandDecision(ratePerSecond, bands)).toBe(decision);
  });

  it('shares a rate so that the parts sum up to it, each within its own band', () => {
    const band = fc
      .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 500 }))
      .map(([low, width]) => ({ lowPerSecond: low, highPerSecond: low + width }));
    fc.assert(
      fc.property(
        fc.array(band, { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (some, place) => {
          const low = some.reduce((sum, { lowPerSecond }) => sum + lowPerSecond, 0);
          const high = some.reduce((sum, { highPerSecond }) => sum + highPerSecond, 0);
          const rate = low + place * (high - low);
          const shares = shareRates(rate, some);
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(rate, 6);
          for (const [index, share] of shares.entries()) {
            expect(share).toBeGreaterThanOrEqual(some[index]!.lowPerSecond - 1e-9);
            expect(share).toBeLessThanOrEqual(some[index]!.highPerSecond + 1e-9);
          }
        },
      ),
    );
  });
});

describe('the paper’s rate model', () => {
  const slo = { sloMs: 200, percentile: 99, arrivalCv: 1 };
  const one = candidate(4, 1000, 50);

  it('adds capacities up as a fluid, however bursty the load', () => {
    expect(paperRateModel.capacityPerSecond([one, one, one], slo)).toBe(240);
    expect(paperRateModel.capacityPerSecond([one], { ...slo, arrivalCv: 4 })).toBe(80);
    expect(paperRateModel.capacityPerSecond([one, candidate(4, 500, 101)], slo)).toBe(80);
  });

  it('starts a config only for a rate that reaches its band', () => {
    expect(paperRateModel.worthStarting(one, 27.9, slo)).toBe(false);
    expect(paperRateModel.worthStarting(one, 28, slo)).toBe(true);
  });
});
