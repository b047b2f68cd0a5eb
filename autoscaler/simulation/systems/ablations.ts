import { configKey } from '../../../profiles/config.ts';
import type { Action } from '../../cluster/actions.ts';
import type { ClusterSnapshot, PlacedInstance } from '../../cluster/snapshot.ts';
import type { FunctionDemand, PlanInput, Planner, ScalingDecision } from '../../planning/decision.ts';
import { setsByPrice } from '../../planning/explain/uniform-sets.ts';

/**
 * Our planner without its market: each function plans alone, one after the other, with what those before it
 * have left, and no price tells it what its choice costs the others.
 */
export function withoutMarket(plan: Planner): Planner {
  return ({ demands, cluster, rates }) => {
    let left = cluster;
    const decisions = demands.map((demand) => {
      const decision = plan({ demands: [demand], cluster: left, rates });
      left = afterwards(left, decision.actions, demand);
      return decision;
    });
    return together(decisions, () => plan({ demands, cluster, rates }));
  };
}

/** Our planner with equal instances only: each function has the one config whose set is the cheapest now. */
export function uniformSets(plan: Planner): Planner {
  return (input) => plan({ ...input, demands: input.demands.map((demand) => ofOneConfig(demand, input)) });
}

function ofOneConfig(demand: FunctionDemand, { rates }: PlanInput): FunctionDemand {
  const { sloMs, percentile, arrivalCv, candidates, ratePerSecond } = demand;
  const fewest = Math.max(1, demand.minInstances, demand.warmInstances);
  const [cheapest] = setsByPrice({
    candidates,
    slo: { sloMs, percentile, arrivalCv },
    rates,
    ratePerSecond,
    fewest,
  });
  return cheapest === undefined ? demand : { ...demand, candidates: [cheapest.candidate] };
}

/** The cluster as it is when the actions are carried out. */
function afterwards(
  cluster: ClusterSnapshot,
  actions: readonly Action[],
  { candidates }: FunctionDemand,
): ClusterSnapshot {
  const stopped = new Set(actions.flatMap((action) => (action.type === 'stop' ? [action.id] : [])));
  const started = actions.flatMap((action, index): PlacedInstance[] => {
    if (action.type === 'stop') return [];
    const { functionName, config, node, gpu } = action;
    const { needs } = candidates.find((each) => configKey(each.config) === configKey(config))!;
    const place = { config, node, needs, ...(gpu === undefined ? {} : { gpu }) };
    return [
      { ...place, id: `${functionName} planned ${index}`, functionName, ready: false, outdated: false },
    ];
  });
  return {
    nodes: cluster.nodes,
    instances: [...cluster.instances.filter(({ id }) => !stopped.has(id)), ...started],
    leaving: [...cluster.leaving, ...cluster.instances.filter(({ id }) => stopped.has(id))],
  };
}

function together(decisions: readonly ScalingDecision[], ofNone: () => ScalingDecision): ScalingDecision {
  const [first] = decisions;
  if (first === undefined) return ofNone();
  return {
    prices: first.prices, // of no one's market but its own
    functions: decisions.flatMap(({ functions }) => functions),
    actions: decisions.flatMap(({ actions }) => actions),
  };
}
