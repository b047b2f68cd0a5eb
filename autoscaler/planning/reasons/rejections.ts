import {
  DEVICE_INDICES,
  needsDevice,
  SHARED_INDICES,
  type Vector,
  vectorOf,
} from '../../../models/base/resources.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { priceOf } from '../../cluster/price.ts';
import { placeableOn } from '../../cluster/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { nearestFeasibleSloMs } from '../capacity/feasibility.ts';
import type { SharesBySize } from '../capacity/rate-model.ts';
import type { Rejection } from '../decision.ts';
import { fitOn } from '../placement/room-for.ts';
import { sizeOf } from '../targets/offer.ts';
import { freeNodes, type MadePlan, targetRate } from './made-plan.ts';

/**
 * Rates are sums, which depend on the order of their terms: a cost is higher if it is more than a little
 * higher.
 */
const ROUNDING = 1 + 1e-9;

/** Those that come closest to being chosen come first. */
const ORDER: readonly Rejection['because'][] = ['costlier', 'no-node', 'limits', 'slo'];

/**
 * What speaks against each config that the target does not contain: the first that does, of limits, nodes,
 * SLO and cost. One against which nothing speaks, but that moving to it does not pay by itself, is not among
 * them.
 */
export function rejectionsOf(made: MadePlan): Rejection[] {
  const { plan } = made;
  const { excluded = [], candidates } = plan.demand;
  const placeable = new Set(placeableOn(plan.site.kinds, candidates));
  const beyond = excluded.map(({ config, timesLimit }) => rejection(config, 'limits', timesLimit));
  const misplaced = candidates
    .filter((each) => !placeable.has(each))
    .map((each) => rejection(each.config, 'no-node', timesNearest(each, plan.site.kinds)));
  const late = plan.offers.others.map((each) =>
    rejection(each.config, 'slo', nearestFeasibleSloMs([each], plan.offers.slo, made.rates)!),
  );
  return [...beyond, ...misplaced, ...late, ...offersRejected(made)].sort(
    (a, b) =>
      ORDER.indexOf(a.because) - ORDER.indexOf(b.because) ||
      a.figure - b.figure ||
      priceOf(a.config) - priceOf(b.config),
  );
}

function rejection(config: Rejection['config'], because: Rejection['because'], figure: number): Rejection {
  return { config, because, figure };
}

/** How many times what the nearest node has a config needs, of the resource it needs the most of. */
function timesNearest({ needs }: Candidate, kinds: readonly NodeCapacity[]): number {
  const times = (amounts: Vector, indices: readonly number[]): number =>
    Math.max(...indices.map((index) => (needs[index] === 0 ? 0 : needs[index]! / amounts[index]!)));
  const timesOfDevices = ({ devices }: NodeCapacity): number =>
    needsDevice(needs) ? Math.min(...devices.map((each) => times(vectorOf(each), DEVICE_INDICES))) : 0;
  return Math.min(
    ...kinds.map((node) => Math.max(times(vectorOf(node.shared), SHARED_INDICES), timesOfDevices(node))),
  );
}

/** Configs that could be: as many equal instances as carry what the target carries, against the target. */
function offersRejected(made: MadePlan): Rejection[] {
  const { plan, target } = made;
  const { offers, costs, countsBefore, demand } = plan;
  if (sizeOf(target.counts) === 0) return [];
  const costOf = (index: number, count: number): number =>
    costs[index]! * (count + offers.all[index]!.startCost * Math.max(0, count - countsBefore[index]!));
  const targetCost = target.counts.reduce((sum, count, index) => sum + costOf(index, count), 0);
  const ratePerSecond = targetRate(made);
  const free = freeNodes(made);
  return offers.all.flatMap(({ candidate }, index) => {
    if (target.counts[index]! > 0) return [];
    const count = leastCount((size) => offers.share(index, size), ratePerSecond, plan.fewest);
    if (count > demand.maxInstances)
      return rejection(candidate.config, 'limits', count / demand.maxInstances);
    const timesCost = costOf(index, count) / targetCost;
    if (timesCost > ROUNDING) return rejection(candidate.config, 'costlier', timesCost);
    const { instances } = fitOn(candidate, free());
    return instances < count ? rejection(candidate.config, 'no-node', count / instances) : [];
  });
}

/** How many equal instances are enough, at least one; Infinity where none of them carries anything. */
export function leastCount(share: SharesBySize, ratePerSecond: number, fewest: number): number {
  let count = Math.max(1, fewest);
  while (count * share(count) < ratePerSecond) {
    const carried = share(count);
    if (!(carried > 0)) return Infinity;
    // An instance carries more in a larger pool: never one too many.
    const most = share(Number.MAX_SAFE_INTEGER);
    count = Math.max(count + 1, Math.ceil(ratePerSecond / most));
  }
  return count;
}
