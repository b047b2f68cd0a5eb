import { amountsOf, type Resources, ZERO } from '../../../models/base/resources.ts';
import { type Config, configKey, formatConfig } from '../../../profiles/config.ts';
import type { Action, StartAction, StopAction } from '../../cluster/actions.ts';
import type { PlacedInstance } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type {
  ConfigCount,
  FunctionDecision,
  FunctionDemand,
  PlanInput,
  Planner,
  ScalingDecision,
} from '../../planning/decision.ts';

/** What to start and to stop. Reasons may be left out. */
export type OwnAction =
  | (Omit<StartAction, 'reason'> & Partial<Pick<StartAction, 'reason'>>)
  | (Pick<StopAction, 'type' | 'id'> & Partial<StopAction>);

/** A decision of a planner of the user's: what it leaves out is filled in. */
export interface OwnDecision {
  readonly actions: readonly OwnAction[];
  readonly functions?: readonly FunctionDecision[];
  readonly prices?: Resources;
}

/**
 * Pure: the same input gives the same decision. Asked for all functions, at every step of the control loop
 * and whenever something happens.
 */
export type OwnPlanner = (input: PlanInput) => OwnDecision;

/**
 * A planner of the user's whose decisions are looked at before they are carried out.
 *
 * @param onFailure told when it throws, or decides what cannot be done
 */
export function checkedPlanner(planner: OwnPlanner, onFailure: (error: Error) => void): Planner {
  return (input) => guarded('planner', onFailure, () => completed(planner(input), input));
}

/** Runs the user's code; what it throws is told before it is thrown on. */
export function guarded<T>(what: string, onFailure: (error: Error) => void, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const told = new Error(`its ${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    onFailure(told);
    throw told;
  }
}

function completed(decision: OwnDecision, input: PlanInput): ScalingDecision {
  if (!Array.isArray(decision?.actions)) throw new Error('returned no { actions: […] }');
  const actions = decision.actions.map((action: OwnAction) => checkedAction(action, input));
  return {
    prices: decision.prices ?? amountsOf(ZERO),
    functions: decision.functions ?? input.demands.map((demand) => functionDecision(demand, actions, input)),
    actions,
  };
}

function checkedAction(action: OwnAction, { demands, cluster }: PlanInput): Action {
  if (action.type === 'stop') {
    const instance = cluster.instances.find(({ id }) => id === action.id);
    if (instance === undefined) throw new Error(`stops instance "${action.id}", which is not there`);
    const { functionName, config } = instance;
    return { reason: 'release', ...action, functionName, config };
  }
  const { functionName, config, node } = action;
  const demand = demands.find(({ name }) => name === functionName);
  if (demand === undefined)
    throw new Error(`starts an instance of function "${functionName}", which is not there`);
  if (!cluster.nodes.some(({ name }) => name === node))
    throw new Error(`starts an instance on node "${node}", which is not there`);
  if (candidateOf(demand, config) === undefined)
    throw new Error(`starts ${functionName} with ${formatConfig(config)}, which is not one of its configs`);
  return { reason: 'growth', ...action };
}

function candidateOf({ candidates }: FunctionDemand, config: Config): Candidate | undefined {
  return candidates.find((each) => configKey(each.config) === configKey(config));
}

/** What runs before and after. Nothing is known of what was aimed at or rejected. */
function functionDecision(
  seen: FunctionDemand,
  actions: readonly Action[],
  { cluster, rates }: PlanInput,
): FunctionDecision {
  const { name, sloMs, percentile, arrivalCv, ratePerSecond } = seen;
  const own = cluster.instances.filter(({ functionName, outdated }) => functionName === name && !outdated);
  const stopped = new Set(actions.flatMap((action) => (action.type === 'stop' ? action.id : [])));
  const started = actions.filter((action) => action.type === 'start' && action.functionName === name);
  const before = countsOf(own);
  const after = countsOf([...own.filter(({ id }: PlacedInstance) => !stopped.has(id)), ...started]);
  const pool = own.flatMap(({ config }) => candidateOf(seen, config) ?? []);
  return {
    name,
    seen,
    before,
    after,
    carriedPerSecond: rates.capacityPerSecond(pool, { sloMs, percentile, arrivalCv }),
    plannedSloMs: sloMs,
    target: after,
    targetPerSecond: ratePerSecond,
    constraint: 'none',
    rejected: [],
  };
}

function countsOf(held: readonly { readonly config: Config }[]): ConfigCount[] {
  const counts = new Map<string, { config: Config; instances: number }>();
  for (const { config } of held) {
    const key = configKey(config);
    const count = counts.get(key) ?? { config, instances: 0 };
    count.instances += 1;
    counts.set(key, count);
  }
  return [...counts.values()];
}
