import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../autoscaler/latency/candidate.ts';
import { paperRateModel } from '../../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../../../autoscaler/planning/capacity/rate-model.ts';
import { attainableSlo } from '../../../../autoscaler/planning/targets/attainable-slo.ts';
import { candidate } from '../../../support/planning.ts';

const candidates: fc.Arbitrary<Candidate[]> = fc.array(
  fc
    .record({
      batch: fc.constantFrom(1, 2, 4, 8, 32),
      meanMs: fc.double({ min: 0.01, max: 20_000, noNaN: true }),
      tail: fc.double({ min: 1, max: 50, noNaN: true }),
    })
    .map(({ batch, meanMs, tail }) => candidate(batch, 1000, meanMs, { tailMs: meanMs * tail })),
  { minLength: 1, maxLength: 8 },
);

const slos = fc.record({
  sloMs: fc.integer({ min: 1, max: 5_000 }),
  percentile: fc.constantFrom(50, 95, 99, 99.9),
  arrivalCv: fc.double({ min: 1, max: 8, noNaN: true }),
});

describe.each<RateModel>([percentileRateModel, paperRateModel])(
  'the SLO that is planned for by $name',
  (rates) => {
    it('is kept by some config, and is the function’s own where that is', () => {
      fc.assert(
        fc.property(candidates, slos, (some, own) => {
          const planned = attainableSlo(own, some, rates);
          expect(some.some((each) => rates.feasible(each, planned))).toBe(true);
          const isKept = some.some((each) => rates.feasible(each, own));
          if (isKept) expect(planned).toBe(own);
          else expect(planned.sloMs).toBeGreaterThan(own.sloMs);
          expect({ ...planned, sloMs: own.sloMs }).toEqual(own);
        }),
        { numRuns: 2_000 },
      );
    });

    it('is one at which an instance is of some use', () => {
      const some = [candidate(1, 1000, 20)];
      for (const arrivalCv of [1, 2, 3, 4, 8]) {
        const planned = attainableSlo({ sloMs: 12, percentile: 99, arrivalCv }, some, rates);
        const carried = rates.capacityPerSecond(some, planned);
        expect(carried).toBeGreaterThan(0.05 * (1000 / 20));
        expect(planned.sloMs).toBeLessThanOrEqual(20 * 64);
      }
    });
  },
);
