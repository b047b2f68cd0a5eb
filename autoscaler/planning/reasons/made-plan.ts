import { type Vector, vectorOf } from '../../../models/base/resources.ts';
import type { Action } from '../../cluster/actions.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { ClusterSnapshot, Placement } from '../../cluster/snapshot.ts';
import type { RateModel } from '../capacity/rate-model.ts';
import { without } from '../placement/room-for.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';
import type { Target } from '../targets/targets.ts';

/** One function when its plan is made: nothing of it changes any more. */
export interface MadePlan {
  readonly plan: FunctionPlan;
  readonly target: Target;
  /** Of its own market, see {@link allocate}. */
  readonly prices: Vector;
  readonly rates: RateModel;
  readonly cluster: ClusterSnapshot;
  /** Of all functions. */
  readonly actions: readonly Action[];
}

/** What the target carries of the demand, in requests per second. */
export function targetRate({ plan, target }: MadePlan): number {
  return Math.min(target.ratePerSecond, plan.offers.capacity(target.counts));
}

/**
 * What nodes that a function may be on have left for it: what others hold, or are given with this decision,
 * is not, and its own is. Worked out when first asked for.
 */
export function freeNodes({ plan, cluster, actions }: MadePlan): () => readonly NodeCapacity[] {
  let free: readonly NodeCapacity[] | undefined;
  return () => {
    free ??= without(plan.site.nodes, heldByOthers());
    return free;
  };

  function heldByOthers(): Placement[] {
    const { name } = plan.demand;
    const stopped = new Set(actions.flatMap((action) => (action.type === 'stop' ? action.id : [])));
    const running = cluster.instances.filter((each) => each.functionName !== name && !stopped.has(each.id));
    const started = actions.flatMap((action) =>
      // What is not part of a config is not known of what others start: no room is denied that there is.
      action.type === 'start' && action.functionName !== name
        ? { ...action, needs: vectorOf(action.config) }
        : [],
    );
    return [...running, ...cluster.leaving, ...started];
  }
}
