import { FunctionPool, type Member } from './function-pool.ts';
import type {
  Candidate,
  ClusterSnapshot,
  FunctionDemand,
  Plan,
  PlannedInstance,
  RateModel,
  StartDecision,
  StopDecision,
} from './model.ts';
import { NodeLedger } from './node-ledger.ts';
import { type Choice, replacementOf } from './replacement.ts';
import { makeRoom } from './room.ts';
import { scaleIn } from './scale-in.ts';

/** Bounds the work of one plan; what is still missing then comes with the next one. */
const MOST_STARTS = 1000;

/**
 * Decides what to start, where, and what to stop, so that every function's capacity covers its demand at little
 * cost and with few moves from what runs. Pure: the same input gives the same plan.
 *
 * 1. Scale in: instances whose absence still leaves enough for the highest rate of the recent past.
 * 2. Scale out, the function that is relatively shortest first, one instance at a time, so that an overload is
 *    shared: the config with the most of the missing rate per price (after the paper's efficiency `e_ij`,
 *    ASPLOS'22 §4.3), on the node that it fills best.
 * 3. Replace: where what runs is much dearer than what the rate needs, the cheaper set starts beside it, and
 *    step 1 stops the dear one when the new is ready.
 * 4. Make room: a function that found no node gets that of its own instances of an older deployment, one after the
 *    other, and one that has nothing at all that of another's spare instance, with a later plan.
 */
export function plan(demands: readonly FunctionDemand[], cluster: ClusterSnapshot, rates: RateModel): Plan {
  const byFunction = groupByFunction(cluster.instances);
  const pools = demands.map((demand) => new FunctionPool(demand, byFunction.get(demand.name) ?? [], rates));
  // What stops or leaves holds its room until it is gone: `now` counts it, `coming` does not.
  const now = new NodeLedger(cluster.nodes);
  for (const placement of [...cluster.instances, ...cluster.leaving]) now.occupy(placement);
  const coming = new NodeLedger(cluster.nodes);

  const stop = pools.flatMap((pool) => scaleIn(pool).map((member) => stopOf(pool, member)));
  const start = scaleOut(pools, now);
  for (const pool of pools) {
    for (const choice of replacementOf(pool, now)) start.push(book(pool, choice, now));
  }
  for (const { members } of pools) for (const member of members) coming.occupy(member);
  const wanting = pools.filter((pool) => pool.wantsMore);
  for (const pool of wanting.toSorted(
    (a, b) => Number(a.coverage > b.coverage) - Number(a.coverage < b.coverage),
  )) {
    for (const victim of makeRoom(pool, pools, coming)) stop.push(stopOf(victim.pool, victim.member));
  }
  return { start, stop, short: pools.flatMap(shortageOf) };
}

function groupByFunction(instances: readonly PlannedInstance[]): ReadonlyMap<string, PlannedInstance[]> {
  const groups = new Map<string, PlannedInstance[]>();
  for (const instance of instances) {
    const group = groups.get(instance.functionName);
    if (group === undefined) groups.set(instance.functionName, [instance]);
    else group.push(instance);
  }
  return groups;
}

function scaleOut(pools: readonly FunctionPool[], ledger: NodeLedger): StartDecision[] {
  const start: StartDecision[] = [];
  const growing = new Set(pools.filter((pool) => pool.wantsMore));
  while (growing.size > 0 && start.length < MOST_STARTS) {
    const pool = [...growing].reduce((a, b) => (b.coverage < a.coverage ? b : a));
    const choice = bestStart(pool, ledger);
    if (choice === undefined) {
      growing.delete(pool);
      continue;
    }
    start.push(book(pool, choice, ledger));
    if (!pool.wantsMore) growing.delete(pool);
  }
  return start;
}

function bestStart(pool: FunctionPool, ledger: NodeLedger): Choice | undefined {
  for (const candidates of pool.choices()) {
    const best = mostEfficient(pool, candidates, ledger);
    if (best !== undefined) return best;
  }
  return undefined;
}

function mostEfficient(
  pool: FunctionPool,
  candidates: readonly Candidate[],
  ledger: NodeLedger,
): Choice | undefined {
  let best: Choice | undefined;
  let bestEfficiency = 0;
  for (const candidate of candidates) {
    const efficiency = pool.efficiency(candidate);
    if (efficiency <= bestEfficiency) continue;
    const spot = ledger.bestFit(candidate);
    if (spot !== undefined) [best, bestEfficiency] = [{ candidate, spot }, efficiency];
  }
  return best;
}

function book(pool: FunctionPool, { candidate, spot }: Choice, ledger: NodeLedger): StartDecision {
  const { config, memoryBytes } = candidate;
  const placement = { ...spot, config, memoryBytes };
  ledger.occupy(placement);
  pool.add(candidate, placement);
  return { functionName: pool.demand.name, config, ...spot };
}

/** Only for members that run. */
function stopOf(pool: FunctionPool, member: Member): StopDecision {
  return { id: member.id!, functionName: pool.demand.name };
}

function shortageOf({ demand, missingPerSecond }: FunctionPool): Plan['short'] {
  return missingPerSecond > 0 ? [{ functionName: demand.name, missingPerSecond }] : [];
}
