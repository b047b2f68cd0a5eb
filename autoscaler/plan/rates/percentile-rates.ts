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
  feasible: (candidate, slo) => candidate.tailMs < slo.sloMs && contribution(candidate, 1, slo) > 0,
  sharePerSecond: (candidate, poolSize, slo) =>
    contributionsFor(slo).of(candidate, Math.min(poolSize, LARGEST_POOL)),
  capacityPerSecond(pool, slo) {
    const known = contributionsFor(slo);
    const servers = Math.min(pool.length, LARGEST_POOL);
    let sum = 0;
    for (const candidate of pool) sum += known.of(candidate, servers);
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

/** Contributions that were worked out already: a plan asks for the same few over and over. */
class Contributions {
  readonly #slo: Slo;
  readonly #bySize = new WeakMap<Candidate, number[]>();

  constructor(slo: Slo) {
    this.#slo = slo;
  }

  of(candidate: Candidate, servers: number): number {
    let bySize = this.#bySize.get(candidate);
    if (bySize === undefined) {
      bySize = [];
      this.#bySize.set(candidate, bySize);
    }
    bySize[servers] ??= contribution(candidate, servers, this.#slo);
    return bySize[servers];
  }
}

const contributions = new WeakMap<Slo, Contributions>();

function contributionsFor(slo: Slo): Contributions {
  let known = contributions.get(slo);
  if (known === undefined) {
    known = new Contributions(slo);
    contributions.set(slo, known);
  }
  return known;
}
