import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../autoscaler/latency/candidate.ts';
import {
  nearestFeasibleSloMs,
  requireFeasible,
} from '../../../../autoscaler/planning/capacity/feasibility.ts';
import { paperRateModel } from '../../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel, SloUnderLoad } from '../../../../autoscaler/planning/capacity/rate-model.ts';
import { InflessError } from '../../../../models/base/errors.ts';
import { candidate } from '../../../support/planning.ts';

const SLO: SloUnderLoad = { sloMs: 200, percentile: 99, arrivalCv: 1 };

const candidates: fc.Arbitrary<Candidate[]> = fc.array(
  fc
    .tuple(fc.constantFrom(1, 2, 4, 8, 32), fc.double({ min: 0.1, max: 20_000, noNaN: true }))
    .map(([batch, meanMs]) => candidate(batch, 1000, meanMs)),
  { minLength: 1, maxLength: 8 },
);

describe.each<RateModel>([percentileRateModel, paperRateModel])(
  'the nearest feasible SLO by $name',
  (rates) => {
    it('is accepted, and a millisecond less is refused', () => {
      fc.assert(
        fc.property(candidates, (some) => {
          const nearestMs = nearestFeasibleSloMs(some, SLO, rates)!;
          const accepts = (sloMs: number) => () => requireFeasible('f', some, { ...SLO, sloMs }, rates);
          expect(accepts(nearestMs)).not.toThrow();
          if (nearestMs > 1) expect(accepts(nearestMs - 1)).toThrow(InflessError);
        }),
      );
    });

    it('is named by the refusal', () => {
      const some = [candidate(4, 1000, 120.5), candidate(1, 500, 230)];
      const nearestMs = nearestFeasibleSloMs(some, SLO, rates)!;
      try {
        requireFeasible('mobilenet', some, { ...SLO, sloMs: 50 }, rates);
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'SLO_INFEASIBLE', details: { nearestSloMs: nearestMs } });
        expect((error as InflessError).sentence).toBe(
          'No config of function "mobilenet" answers within 50 ms at p99; the fastest, b4 c1, takes 121 ms. ' +
            `The nearest feasible SLO is ${nearestMs}ms.`,
        );
      }
    });

    it('is named with what is in the way where not the batch alone takes too long', () => {
      const slo = { ...SLO, sloMs: 150, arrivalCv: 4, percentile: 99.9 };
      expect(() => requireFeasible('net', [candidate(4, 1000, 120)], slo, rates)).toThrow(
        'the fastest, b4 c1, takes 120 ms, and requests also wait for their turn',
      );
    });

    it('is named beside the limit that leaves out what would keep the SLO', () => {
      const within = [candidate(1, 1000, 150)];
      const all = [...within, candidate(1, 4000, 30), candidate(1, 2000, 40)];
      const nearestMs = nearestFeasibleSloMs(within, SLO, rates)!;
      const refuse = (some: typeof all) =>
        requireFeasible('net', some, { ...SLO, sloMs: 80 }, rates, { limits: { cpu: 1 }, candidates: all });
      expect(() => refuse(within)).toThrow(
        'No config of function "net" answers within 80 ms at p99, since limits.cpu is 1; b1 c2 would',
      );
      try {
        refuse(within);
      } catch (error) {
        expect((error as InflessError).sentence).toMatch(`within it is ${nearestMs}ms.`);
      }
      expect(() => refuse([])).toThrow('since limits.cpu is 1; b1 c2 would');
      expect(() => refuse(all)).not.toThrow();
    });

    it('can be served: a config that is feasible carries something', () => {
      fc.assert(
        fc.property(candidates, (some) => {
          const slo = { ...SLO, sloMs: nearestFeasibleSloMs(some, SLO, rates)! };
          const best = Math.max(...some.map((each) => rates.capacityPerSecond([each], slo)));
          expect(best).toBeGreaterThan(0);
        }),
      );
    });

    it('does not exist without a config', () => {
      expect(nearestFeasibleSloMs([], SLO, rates)).toBeUndefined();
      expect(() => requireFeasible('f', [], SLO, rates)).toThrow(/no cell within the function's limits/);
    });
  },
);
