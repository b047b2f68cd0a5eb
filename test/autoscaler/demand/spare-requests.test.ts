import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONTROL_SETTINGS } from '../../../autoscaler/control/settings.ts';
import { LONGEST_GAP_MS } from '../../../autoscaler/demand/arrival-variability.ts';
import { DemandEstimator } from '../../../autoscaler/demand/demand-estimator.ts';
import { RequestAllowance, requestAllowance } from '../../../autoscaler/demand/spare-requests.ts';

const { headroom } = DEFAULT_CONTROL_SETTINGS;
const HORIZON = { leadMs: 1_500, memoryMs: 15_000 };
const QUIET_MS = 60_000;

describe('requests to spare', () => {
  it('never make a quiet function ask for more than half of what it carries', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 100, noNaN: true }),
        fc.array(fc.integer({ min: 0, max: LONGEST_GAP_MS }), { minLength: 100, maxLength: 100 }),
        (mostPerSecond, gapsMs) => {
          const demand = new DemandEstimator({ sinceMs: 0, percentile: 99 });
          let nowMs = QUIET_MS;
          for (const gapMs of gapsMs.slice(0, requestAllowance(mostPerSecond, 1))) {
            nowMs += gapMs;
            demand.observe(nowMs);
            const { ratePerSecond } = demand.advanceTo(nowMs, HORIZON);
            expect(ratePerSecond * headroom).toBeLessThanOrEqual(mostPerSecond / 2);
          }
        },
      ),
    );
  });

  it('are more where more is carried, and fewer where they come in bursts', () => {
    const carried = [0, 2, 5, 20, 100];
    expect(carried.map((mostPerSecond) => requestAllowance(mostPerSecond, 1))).toEqual([0, 0, 1, 6, 39]);
    expect(carried.map((mostPerSecond) => requestAllowance(mostPerSecond, 2))).toEqual([0, 0, 0, 4, 33]);
  });

  it('are used up one by one, and come back after a pause', () => {
    const spare = new RequestAllowance(2, 0);
    expect([100, 200, 300, 400].map((atMs) => spare.take(atMs))).toEqual([true, true, false, false]);
    const laterMs = 400 + LONGEST_GAP_MS + 1;
    expect([0, 100, 200].map((afterMs) => spare.take(laterMs + afterMs))).toEqual([true, true, false]);
  });
});
