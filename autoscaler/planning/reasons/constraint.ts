import { DIMENSIONS, type Dimension, dimensionAt, isZero } from '../../../models/base/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { ClusterConstraint, Constraint, Shortage } from '../decision.ts';
import { fitOn } from '../placement/room-for.ts';
import { type Counts, sizeOf } from '../targets/offer.ts';
import { freeNodes, type MadePlan, targetRate } from './made-plan.ts';
import { leastCount } from './rejections.ts';

/** What would cost less than this share of what there is, binds. */
const SAVES = 0.99;

/**
 * What keeps a function from costing less, or from being carried at all: the first that would change
 * something.
 */
export function constraintOf(made: MadePlan, shortage: Shortage | undefined): Constraint {
  const { plan, target } = made;
  if (shortage !== undefined) {
    if (shortage.reason !== undefined) return tooLargeFor(made);
    return shortage.maxInstances === undefined ? scarceFor(made, cheapestOffer(made)) : 'max-instances';
  }
  if (sizeOf(target.counts) === 0) return 'none';
  const { offers, demand } = plan;
  const cost = listCostOf(made, target.counts);
  const best = cheapestSet(made, demand.maxInstances);
  const unlimited = cheapestSet(made, Infinity);
  if (unlimited.cost < SAVES * Math.min(cost, best.cost)) return 'max-instances';
  if (best.cost < SAVES * cost) {
    const { candidate } = offers.all[best.index]!;
    const hasRoom = (): boolean => best.count <= fitOn(candidate, freeNodes(made)()).instances;
    if (!isZero(made.prices) || !hasRoom()) return scarceFor(made, candidate);
  }
  const least = Math.min(cost, best.cost);
  if (loosestCost(made) < SAVES * least) return 'slo-tail';
  const fewest = Math.max(1, plan.fewest);
  if (sizeOf(target.counts) <= fewest && fewest * Math.min(...offers.prices) >= SAVES * least)
    return 'one-instance';
  return 'throughput';
}

/** By list prices, so that what is scarce does not count. */
function listCostOf({ plan }: MadePlan, counts: Counts): number {
  return counts.reduce((sum, count, index) => sum + count * plan.offers.prices[index]!, 0);
}

interface CheapestSet {
  readonly index: number;
  readonly count: number;
  readonly cost: number;
}

/** Of equal instances that carry what the target carries, by list prices. */
function cheapestSet(made: MadePlan, maxInstances: number): CheapestSet {
  const { offers, fewest } = made.plan;
  const ratePerSecond = targetRate(made);
  let best: CheapestSet = { index: 0, count: Infinity, cost: Infinity };
  offers.prices.forEach((price, index) => {
    const count = leastCount((size) => offers.share(index, size), ratePerSecond, fewest);
    if (count <= maxInstances && count * price < best.cost) best = { index, count, cost: count * price };
  });
  return best;
}

/** What the cheapest set of equal instances would cost without any SLO. */
function loosestCost(made: MadePlan): number {
  const { offers, fewest, demand } = made.plan;
  const ratePerSecond = targetRate(made);
  const loosest = { ...offers.slo, sloMs: Infinity };
  const costs = offers.placeable.map(({ candidate, price }) => {
    const count = leastCount(made.rates.sharesOf(candidate, loosest), ratePerSecond, fewest);
    return count <= demand.maxInstances ? count * price : Infinity;
  });
  return Math.min(...costs);
}

function cheapestOffer({ plan }: MadePlan): Candidate {
  const { offers, costs } = plan;
  const unitCost = (index: number): number => costs[index]! / offers.mostShares[index]!;
  const best = costs.reduce((a, _, index) => (unitCost(index) < unitCost(a) ? index : a), 0);
  return offers.all[best]!.candidate;
}

/**
 * The resource that makes a config dearest by the market or, where nothing is dear, of which the nodes have
 * least left for it.
 */
function scarceFor(made: MadePlan, candidate: Candidate): ClusterConstraint {
  const { prices } = made;
  if (isZero(prices)) return clusterConstraint(fitOn(candidate, freeNodes(made)()).limitedBy);
  const worth = candidate.needs.map((amount, index) => amount * prices[index]!);
  const amounts = worth.some((each) => each > 0) ? worth : prices;
  return clusterConstraint(dimensionAt(amounts.indexOf(Math.max(...amounts))));
}

/** No node holds any of its configs: the resource of which the first needs too much. */
function tooLargeFor({ plan }: MadePlan): ClusterConstraint {
  const { site, demand } = plan;
  const [first] = demand.candidates;
  return clusterConstraint(first === undefined ? dimensionAt(0) : fitOn(first, site.kinds).limitedBy);
}

function clusterConstraint(dimension: Dimension): ClusterConstraint {
  return `cluster-${DIMENSIONS[dimension].label}`;
}
