import { priceOf } from '../../cluster/price.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel, SloUnderLoad } from '../capacity/rate-model.ts';

/** What instances have to carry, and what they may be. */
export interface Need {
  readonly candidates: readonly Candidate[];
  readonly slo: SloUnderLoad;
  readonly rates: RateModel;
  readonly ratePerSecond: number;
  /** Instances there are whatever the rate; at least one is counted. */
  readonly fewest: number;
}

/**
 * Equal instances that together carry a rate. Planners may mix configs; to explain a choice, equal ones say
 * more.
 */
export interface UniformSet {
  readonly candidate: Candidate;
  readonly instances: number;
  readonly capacityPerSecond: number;
  /** In GFLOPS, see price.ts. */
  readonly price: number;
}

/** Instances of a pool of this size carry as much as those of any larger one. */
const LARGE_POOL = 64;

/** For each config that keeps the SLO the fewest instances that are enough, the cheapest set first. */
export function setsByPrice(need: Need): UniformSet[] {
  return need.candidates
    .map((candidate) => smallestSet(candidate, need))
    .filter((set) => set !== undefined)
    .sort(
      (a, b) => a.price - b.price || a.instances - b.instances || a.candidate.tailMs - b.candidate.tailMs,
    );
}

/** What so many instances of a config carry; undefined for none. */
export function setOf(candidate: Candidate, instances: number, { rates, slo }: Need): UniformSet | undefined {
  if (instances < 1 || !rates.feasible(candidate, slo)) return undefined;
  const size = Math.min(instances, LARGE_POOL);
  const capacity = rates.capacityPerSecond(Array<Candidate>(size).fill(candidate), slo);
  return {
    candidate,
    instances,
    capacityPerSecond: (capacity * instances) / size,
    price: priceOf(candidate.config) * instances,
  };
}

function smallestSet(candidate: Candidate, need: Need): UniformSet | undefined {
  const { ratePerSecond } = need;
  const least = Math.max(1, need.fewest);
  const large = setOf(candidate, LARGE_POOL, need);
  if (large === undefined || large.capacityPerSecond <= 0) return undefined;
  if (large.capacityPerSecond < ratePerSecond) {
    const instances = Math.ceil((LARGE_POOL * ratePerSecond) / large.capacityPerSecond);
    return setOf(candidate, Math.max(least, instances), need);
  }
  let low = 0;
  let high = LARGE_POOL;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (setOf(candidate, middle, need)!.capacityPerSecond >= ratePerSecond) high = middle;
    else low = middle;
  }
  return setOf(candidate, Math.max(least, high), need);
}
