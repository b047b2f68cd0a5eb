import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel, SloUnderLoad } from '../capacity/rate-model.ts';

/** How much slower than its quickest config a function is planned at least whose SLO no config keeps. */
const BEST_EFFORT = 2;

/**
 * An SLO at which an instance carries less than this share of what it carries without any would fill the
 * cluster with them.
 */
const LEAST_USE = 0.1;

/**
 * The SLO to plan for: the function's own or, where running has shown that no config keeps it, the best that
 * can be had. Serving late is better than not serving.
 *
 * @param placeable configs that some node can hold: what another keeps is of no use
 */
export function attainableSlo(
  slo: SloUnderLoad,
  placeable: readonly Candidate[],
  rates: RateModel,
): SloUnderLoad {
  if (placeable.length === 0 || placeable.some((each) => rates.feasible(each, slo))) return slo;
  let sloMs = Math.min(...placeable.map(({ tailMs }) => tailMs)) * BEST_EFFORT;
  // Where arrivals come in bursts, even twice a batch's time may be too little for an instance to carry
  // anything.
  while (sloMs < Infinity && !placeable.some((each) => isOfUse(each, { ...slo, sloMs }, rates))) sloMs *= 2;
  return { ...slo, sloMs };
}

function isOfUse(candidate: Candidate, slo: SloUnderLoad, rates: RateModel): boolean {
  if (!rates.feasible(candidate, slo)) return false;
  const without = rates.sharesOf(candidate, { ...slo, sloMs: Infinity })(1);
  return rates.sharesOf(candidate, slo)(1) >= LEAST_USE * without;
}
