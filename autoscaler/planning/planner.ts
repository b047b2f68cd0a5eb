import { amountsOf } from '../../models/base/resources.ts';
import type { Action } from '../cluster/actions.ts';
import { eligibleNodes } from '../cluster/eligible-nodes.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { RateModel } from './capacity/rate-model.ts';
import type { FunctionDemand, PlanInput, ScalingDecision } from './decision.ts';
import { grow } from './moves/growth.ts';
import { preempt } from './moves/preemption.ts';
import { release } from './moves/release.ts';
import { replace } from './moves/replacement.ts';
import { Reservations } from './moves/reservations.ts';
import { functionDecision } from './reasons/function-decision.ts';
import { FunctionPlan } from './targets/function-plan.ts';
import { offersFor } from './targets/offer.ts';
import { targetOf } from './targets/targets.ts';
import { allocate } from './targets/trade.ts';

/**
 * Decides for all functions together what to start, where, and what to stop, so that their demand is carried
 * at the least price that the cluster allows, with few moves from what runs. Pure: the same input gives the
 * same decision.
 *
 * 1. The market: prices of CPU, GPU and memory at which everybody's cheapest choice fits into the cluster, so
 *    that each resource goes to whom it saves the most. What runs has its start behind it and therefore
 *    mostly stays.
 * 2. Targets: whole instances, by an exact search where fractions were.
 * 3. Release: what the targets don't contain, as far as those that are ready carry the highest rate of the
 *    recent past.
 * 4. Growth: what is missing of the targets of those who are short; where that finds no place, whatever fits.
 *    Who has requests and nothing at all comes first, and gets one instance even where others have to give
 *    way for it.
 * 5. Replacement: the rest of the targets, where no one is short, it pays, and it fits beside what runs.
 * 6. Preemption: on full nodes, what no target contains goes out of the way of what some target lacks, a
 *    little at a time; who is shortest gets that of another who is better off, if need be.
 */
export function planCluster({ demands, cluster, rates }: PlanInput): ScalingDecision {
  const byFunction = groupByFunction(cluster.instances);
  const leaving = groupByFunction(cluster.leaving);
  const plans = demands.map(
    (demand) =>
      new FunctionPlan(
        demand,
        { instances: byFunction.get(demand.name) ?? [], leaving: leaving.get(demand.name)?.length ?? 0 },
        rates,
        eligibleNodes(cluster.nodes, demand.nodeSelector),
      ),
  );
  const { prices, allocations } = allocate(plans, cluster);
  const targets = plans.map((plan, index) => {
    const { prices: own, purchase } = allocations[index]!;
    plan.price(own);
    return targetOf(plan, purchase);
  });

  const room = new Reservations(cluster);
  for (const [index, plan] of plans.entries()) release(plan, targets[index]!, room);
  grow(plans, targets, room);
  if (!plans.some((plan) => plan.isShort)) {
    for (const [index, plan] of plans.entries()) replace(plan, targets[index]!, room);
  }
  preempt(plans, targets, room);
  const actions: Action[] = [];
  for (const plan of plans) plan.addActions(actions);
  const outcome = { cluster, rates, actions };
  return {
    prices: amountsOf(prices),
    functions: plans.map((plan, index) =>
      functionDecision({ plan, target: targets[index]!, prices: allocations[index]!.prices, ...outcome }),
    ),
    actions,
  };
}

/**
 * The SLO that is planned for: the function's own, or a looser one where no config that a node can hold keeps
 * that.
 */
export function plannedSloMs(
  demand: FunctionDemand,
  nodes: readonly NodeCapacity[],
  rates: RateModel,
): number {
  return offersFor(demand, rates, eligibleNodes(nodes, demand.nodeSelector).kinds).slo.sloMs;
}

function groupByFunction<T extends { readonly functionName?: string }>(
  instances: readonly T[],
): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const instance of instances) {
    const { functionName = '' } = instance;
    const group = groups.get(functionName);
    if (group === undefined) groups.set(functionName, [instance]);
    else group.push(instance);
  }
  return groups;
}
