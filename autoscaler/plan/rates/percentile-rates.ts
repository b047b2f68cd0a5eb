import { LIMIT_GRID } from '../capacity/limit-grid.ts';
import { loadLimitOf } from '../capacity/limit-table.ts';
import type { Candidate, RateModel, Slo } from '../model.ts';

/** Pools beyond this size are tabulated no more: an instance of a larger one carries as much. */
const LARGEST_POOL = LIMIT_GRID.servers.at(-1)!;

/**
 * Capacity as a percentile: an instance contributes its fluid rate `b / mean time`, times the load that a pool of
 * this size carries with the SLO's percentile in time, given how long the tail of a batch is against the SLO and
 * how bursty the arrivals are (simulated, see load-limit.ts). The mean decides how much runs, the tail when
 * it ends.
 */
export const percentileRateModel: RateModel = {
  name: 'percentile',
  feasible: (candidate, slo) => candidate.tailMs < slo.sloMs && contributionOf(candidate, 1, slo) > 0,
  sharePerSecond: contributionOf,
  capacityPerSecond(pool, slo) {
    let sum = 0;
    for (const candidate of pool) sum += contributionOf(candidate, pool.length, slo);
    return sum;
  },
  worthStarting: () => true,
};

/** Requests per second that one instance carries in a pool of so many. */
function contribution(candidate: Candidate, servers: number, slo: Slo): number {
  const limit = loadLimitOf({
    timeRatio: candidate.tailMs / slo.sloMs,
    maxBatch: candidate.config.batch,
    servers,
    arrivalCv: slo.arrivalCv,
    percentile: slo.percentile,
  });
  return (limit * candidate.config.batch * 1000) / candidate.meanMs;
}

/** What was worked out of one candidate for one SLO, by size of the pool. */
class Contributions {
  readonly #slo: Slo;
  readonly #bySize: (number | undefined)[] = [];

  constructor({ sloMs, percentile, arrivalCv }: Slo) {
    this.#slo = { sloMs, percentile, arrivalCv };
  }

  /** Plans make their SLOs anew: the same is what has the same values. */
  isFor({ sloMs, percentile, arrivalCv }: Slo): boolean {
    const own = this.#slo;
    return own.sloMs === sloMs && own.arrivalCv === arrivalCv && own.percentile === percentile;
  }

  of(candidate: Candidate, servers: number): number {
    this.#bySize[servers] ??= contribution(candidate, servers, this.#slo);
    return this.#bySize[servers];
  }
}

/**
 * A plan asks for the same few over and over, and the next plan for the same again. A candidate is of one function, which
 * has one SLO at a time: the last one is remembered, so that no more is kept than there are candidates.
 */
const lastOf = new WeakMap<Candidate, Contributions>();

function contributionOf(candidate: Candidate, poolSize: number, slo: Slo): number {
  let known = lastOf.get(candidate);
  if (known === undefined || !known.isFor(slo)) {
    known = new Contributions(slo);
    lastOf.set(candidate, known);
  }
  return known.of(candidate, Math.min(poolSize, LARGEST_POOL));
}
