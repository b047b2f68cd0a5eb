import { loadLimitOf } from '../capacity/limit-table.ts';
import type { RateModel } from '../model.ts';

/** Capacity in hand that a shrunken pool must keep: scaling in and out again at one rate would be flapping. */
const SHRINK_MARGIN = 1.15;

/**
 * Capacity as a percentile: an instance contributes its fluid rate `b / mean time`, times the load that a pool of
 * this size carries with the SLO's percentile in time, given how long the tail of a batch is against the SLO and
 * how bursty the arrivals are (simulated, see load-limit.ts). The mean decides how much runs, the tail when
 * it ends.
 */
export const percentileRateModel: RateModel = {
  name: 'percentile',
  feasible: (candidate, slo) => candidate.tailMs < slo.sloMs,
  capacityPerSecond(pool, slo) {
    return pool.reduce((sum, candidate) => {
      const limit = loadLimitOf({
        timeRatio: candidate.tailMs / slo.sloMs,
        maxBatch: candidate.config.batch,
        servers: pool.length,
        arrivalCv: slo.arrivalCv,
        percentile: slo.percentile,
      });
      return sum + (limit * candidate.config.batch * 1000) / candidate.meanMs;
    }, 0);
  },
  worthStarting: () => true,
  mayShrink: (_pool, rest, ratePerSecond, slo) =>
    percentileRateModel.capacityPerSecond(rest, slo) >= ratePerSecond * SHRINK_MARGIN,
};
