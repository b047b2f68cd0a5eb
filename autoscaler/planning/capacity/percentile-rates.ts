import { carriedPerSecond, LARGEST_POOL } from '../../../profiles/capacity/capacity.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel, SloUnderLoad } from './rate-model.ts';

/**
 * Capacity as a percentile: a pool carries the sum of what each of its instances does in a pool of this size
 * (see {@link carriedPerSecond}, which recommends configs as well).
 */
export const percentileRateModel: RateModel = {
  name: 'percentile',
  feasible: (candidate, slo) => contributionsOf(candidate, slo).in(1) > 0,
  sharesOf(candidate, slo) {
    const contributions = contributionsOf(candidate, slo);
    return (poolSize) => contributions.in(poolSize);
  },
  capacityPerSecond(pool, slo) {
    let sum = 0;
    for (const candidate of pool) sum += contributionsOf(candidate, slo).in(pool.length);
    return sum;
  },
  worthStarting: () => true,
};

/**
 * What one instance of a candidate carries under one SLO, by size of the pool: worked out when first asked
 * for.
 */
class Contributions {
  readonly #candidate: Candidate;
  readonly #slo: SloUnderLoad;
  readonly #bySize: (number | undefined)[] = [];

  constructor(candidate: Candidate, { sloMs, percentile, arrivalCv }: SloUnderLoad) {
    this.#candidate = candidate;
    this.#slo = { sloMs, percentile, arrivalCv };
  }

  /** Plans make their SLOs anew: the same is what has the same values. */
  isFor({ sloMs, percentile, arrivalCv }: SloUnderLoad): boolean {
    const own = this.#slo;
    return own.sloMs === sloMs && own.arrivalCv === arrivalCv && own.percentile === percentile;
  }

  /** @returns requests per second */
  in(poolSize: number): number {
    const servers = Math.min(poolSize, LARGEST_POOL);
    this.#bySize[servers] ??= this.#workOut(servers);
    return this.#bySize[servers];
  }

  #workOut(servers: number): number {
    const { config, meanMs, tailMs } = this.#candidate;
    return carriedPerSecond({ batch: config.batch, meanMs, tailMs }, this.#slo, servers);
  }
}

/**
 * A plan asks for the same few over and over, and the next plan for the same again. A candidate is of one
 * function, which has one SLO at a time: the last one is remembered, so that no more is kept than there are
 * candidates.
 */
const lastOf = new WeakMap<Candidate, Contributions>();

function contributionsOf(candidate: Candidate, slo: SloUnderLoad): Contributions {
  const last = lastOf.get(candidate);
  if (last?.isFor(slo)) return last;
  const contributions = new Contributions(candidate, slo);
  lastOf.set(candidate, contributions);
  return contributions;
}
