import { FunctionPool } from './function-pool.ts';
import type {
  Candidate,
  ClusterSnapshot,
  FunctionDemand,
  Plan,
  RateModel,
  StartDecision,
  StopDecision,
} from './model.ts';
import { candidateOf, NodeLedger } from './node-ledger.ts';

/** A replacement of what runs has to save this share of its price: a cold start is not free. */
const REPLACEMENT_SAVING = 0.3;

/** Bounds the work of one plan; what is still missing then comes with the next one. */
const MOST_STARTS = 1000;

/**
 * Decides what to start, where, and what to stop, so that every function's capacity covers its demand at little
 * cost and with few moves from what runs. Pure: the same input gives the same plan.
 *
 * 1. Scale out, the function that is relatively shortest first, one instance at a time, so that an overload is
 *    shared: the config with the most of the missing rate per price (after the paper's efficiency `e_ij`,
 *    ASPLOS'22 §4.3), on the node that it fills best.
 * 2. Scale in: instances whose absence still leaves enough for the highest rate of the recent past, the dearest first.
 * 3. Replace: where what runs is much dearer than what the rate needs, the cheaper set starts beside it, and
 *    step 2 stops the dear one when the new is ready.
 * 4. Make room: a function that has nothing at all, and found no node, gets the room of another's spare instance
 *    (or of its own from an older deployment) with the next plan.
 */
export function plan(demands: readonly FunctionDemand[], cluster: ClusterSnapshot, rates: RateModel): Plan {
  const ledger = new NodeLedger(cluster.nodes);
  const pools = demands.map((demand) => new FunctionPool(demand, cluster.instances, rates));
  bookInstances(ledger, demands, cluster);

  const stop = pools.flatMap((pool) => scaleIn(pool));
  const start = scaleOut(pools, ledger);
  for (const pool of pools) start.push(...replacement(pool, ledger));
  for (const pool of pools) if (pool.wantsMore) stop.push(...makeRoom(pool, pools));
  const short = pools
    .filter((pool) => pool.missingPerSecond > 0)
    .map((pool) => ({ functionName: pool.demand.name, missingPerSecond: pool.missingPerSecond }));
  return { start, stop, short };
}

/** Everything that holds resources is booked, instances of functions that are no more included. */
function bookInstances(
  ledger: NodeLedger,
  demands: readonly FunctionDemand[],
  cluster: ClusterSnapshot,
): void {
  const candidates = new Map(demands.map((demand) => [demand.name, demand.candidates]));
  for (const { node, config, functionName } of cluster.instances) {
    ledger.occupy(node, config, candidateOf(candidates.get(functionName) ?? [], config)?.memoryBytes ?? 0);
  }
  for (const { node, config, memoryBytes } of cluster.leaving) ledger.occupy(node, config, memoryBytes);
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

interface Choice {
  readonly candidate: Candidate;
  readonly node: string;
}

function bestStart(pool: FunctionPool, ledger: NodeLedger): Choice | undefined {
  let best: Choice | undefined;
  let bestEfficiency = 0;
  for (const candidate of pool.candidatesWorthStarting()) {
    const node = ledger.bestFit(candidate);
    if (node === undefined) continue;
    const efficiency = pool.efficiency(candidate);
    if (efficiency > bestEfficiency) [best, bestEfficiency] = [{ candidate, node }, efficiency];
  }
  return best;
}

function book(pool: FunctionPool, { candidate, node }: Choice, ledger: NodeLedger): StartDecision {
  ledger.occupy(node, candidate.config, candidate.memoryBytes);
  pool.add(candidate);
  return { functionName: pool.demand.name, config: candidate.config, node };
}

function scaleIn(pool: FunctionPool): StopDecision[] {
  const stop: StopDecision[] = [];
  for (const id of pool.dearestFirst()) {
    if (pool.release(id)) stop.push({ id, functionName: pool.demand.name });
  }
  return stop;
}

/** The cheaper set to start beside a dear one, or nothing: never while instances of it are still starting. */
function replacement(pool: FunctionPool, ledger: NodeLedger): StartDecision[] {
  if (pool.size === 0 || pool.hasStarting || pool.wantsMore) return [];
  const ideal = pool.idealSet();
  if (ideal === undefined || ideal.price > pool.price * (1 - REPLACEMENT_SAVING)) return [];
  const choices: Choice[] = [];
  const trial = ledger.copy();
  for (const candidate of pool.missingFrom(ideal.set)) {
    const node = trial.bestFit(candidate);
    if (node === undefined) return [];
    trial.occupy(node, candidate.config, candidate.memoryBytes);
    choices.push({ candidate, node });
  }
  return choices.map((choice) => book(pool, choice, ledger));
}

/** The instance to stop so that a pool for which no node has room can start its first one. */
function makeRoom(pool: FunctionPool, pools: readonly FunctionPool[]): StopDecision[] {
  if (!pool.isEmpty) return [];
  const donors = pools.filter((other) => other !== pool && other.canSpare);
  const donor = pool.hasUseless ? pool : donors.reduce<FunctionPool | undefined>(dearer, undefined);
  const id = donor?.surrender();
  return id === undefined ? [] : [{ id, functionName: donor!.demand.name }];
}

function dearer(a: FunctionPool | undefined, b: FunctionPool): FunctionPool {
  return a === undefined || b.price > a.price ? b : a;
}
