import { isZero, larger, scale, type Vector } from '../../../models/base/resources.ts';
import { type EligibleNodes, includes } from '../../cluster/eligible-nodes.ts';
import { totalOf, without } from '../../cluster/resources.ts';
import type { ClusterSnapshot, PlacedInstance } from '../../cluster/snapshot.ts';
import type { FunctionPlan } from './function-plan.ts';
import { type Buyer, clearMarket, type MarketClearing, type Purchase } from './market.ts';
import { wantedPerSecond } from './targets.ts';

/**
 * Share of each resource that is not planned for: what is started beside what it replaces needs somewhere to
 * be.
 */
const MOVING_SPACE = 0.01;

/** What a function buys, and at which prices. */
export interface Allocation {
  readonly prices: Vector;
  readonly purchase: Purchase;
}

export interface Allocations {
  /** The whole cluster's. */
  readonly prices: Vector;
  /** One for each function. */
  readonly allocations: readonly Allocation[];
}

/**
 * What each function buys in the cluster's market. Those that may be on the same few nodes only have a market
 * of their own beside: where that is the scarcer, what others have left elsewhere is of no use to them.
 */
export function allocate(plans: readonly FunctionPlan[], { nodes, instances }: ClusterSnapshot): Allocations {
  const names = new Set(plans.map(({ demand }) => demand.name));
  const others = instances.filter(({ functionName }) => !names.has(functionName));
  const buyers = plans.map(buyerOf);
  const { prices, purchases } = clearMarket(buyers, scale(without(totalOf(nodes), others), 1 - MOVING_SPACE));
  const allocations = purchases.map((purchase) => ({ prices, purchase }));
  const sites = new Set(plans.map(({ site }) => site).filter((site) => site.names !== undefined));
  for (const site of sites) {
    const places = plans.flatMap((plan, place) => (plan.site === site ? [place] : []));
    const local = clearSite(
      site,
      places.map((place) => buyers[place]!),
      others,
    );
    if (isZero(local.prices)) continue;
    places.forEach((place, index) => {
      allocations[place] = { prices: larger(prices, local.prices), purchase: local.purchases[index]! };
    });
  }
  return { prices, allocations };
}

function clearSite(
  site: EligibleNodes,
  buyers: readonly Buyer[],
  others: readonly PlacedInstance[],
): MarketClearing {
  const here = others.filter(({ node }) => includes(site, node));
  return clearMarket(buyers, scale(without(totalOf(site.nodes), here), 1 - MOVING_SPACE));
}

function buyerOf(plan: FunctionPlan): Buyer {
  const { offers, weight, counts } = plan;
  return { offers, ratePerSecond: wantedPerSecond(plan), weight, running: counts };
}
