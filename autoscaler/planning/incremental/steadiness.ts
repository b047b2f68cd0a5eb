import { configKey } from '../../../profiles/config.ts';
import { eligibleNodes } from '../../cluster/eligible-nodes.ts';
import type { Instance } from '../../cluster/instance.ts';
import { kindOf, type NodeCapacity } from '../../cluster/node.ts';
import type { PlacedInstance } from '../../cluster/snapshot.ts';
import { requestAllowance } from '../../demand/spare-requests.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel } from '../capacity/rate-model.ts';
import type { FunctionDemand, Planner } from '../decision.ts';
import { StableRates } from './steady-rates.ts';

/**
 * Below this share of the highest rate that a pool may be asked to carry, only requests that come can bring
 * it there. Above, it may seem higher for a moment although none comes, since rates are measured over whole
 * buckets of time.
 */
const FAR_BELOW = 0.5;
/**
 * From here on, in requests per second, rates are looked at regularly: what they rise by is learnt from that.
 */
const BUSY_PER_SECOND = 2;

/** So many empty nodes of a kind stand for all there are. */
const FEW = 4;

/** Bounds what is remembered of a function whose instances change all the time. */
const MOST_POOLS = 200;

/** Whether a function can be left alone. */
export interface Stability {
  /**
   * - `unstable`: a plan may change something.
   * - `stable-for-now`: not for now, but its rate may by itself leave the band in which it is left as it is.
   * - `stable`: not until requests come, something happens to its instances, or its keep-alive policy changes
   *   its mind.
   */
  readonly state: 'unstable' | 'stable-for-now' | 'stable';
  /** Of a function that is settled: so many requests may come at once, and it still is. */
  readonly requestAllowance: number;
}

const UNSTABLE: Stability = { state: 'unstable', requestAllowance: 0 };
const STABLE_FOR_NOW: Stability = { state: 'stable-for-now', requestAllowance: 0 };

interface Memory {
  readonly nodes: readonly NodeCapacity[];
  readonly candidates: readonly Candidate[];
  readonly byPool: Map<string, StableRates>;
  /** What was asked for last: it is asked for over and over. */
  latest?: {
    readonly instances: readonly Instance[];
    readonly arrivalCv: number;
    readonly warmInstances: number;
    readonly steady: StableRates;
  };
}

/** Remembers for each function and each set of instances at which rates the planner leaves it as it is. */
export class PlanStability {
  readonly #planner: Planner;
  readonly #rates: RateModel;
  readonly #memories = new Map<string, Memory>();

  constructor(planner: Planner, rates: RateModel) {
    this.#planner = planner;
    this.#rates = rates;
  }

  /**
   * @param instances of the function, the same list as long as none changes
   * @param plan the instances as planners see them
   */
  stabilityOf(
    demand: FunctionDemand,
    instances: readonly Instance[],
    nodes: readonly NodeCapacity[],
    plan: (instances: readonly Instance[]) => readonly PlacedInstance[],
  ): Stability {
    const memory = this.#memoryOf(demand, nodes);
    const steady = latest(memory, demand, instances) ?? this.#steadyRates(memory, demand, instances, plan);
    if (steady === undefined || !steady.has(demand)) return UNSTABLE;
    const { mostPerSecond } = steady;
    const mayRiseBySeeming = demand.ratePerSecond > Math.min(FAR_BELOW * mostPerSecond, BUSY_PER_SECOND);
    if (mayRiseBySeeming || !steady.hasAllBelow(demand)) return STABLE_FOR_NOW;
    return { state: 'stable', requestAllowance: requestAllowance(mostPerSecond, demand.arrivalCv) };
  }

  forget(functionName: string): void {
    this.#memories.delete(functionName);
  }

  #memoryOf({ name, candidates }: FunctionDemand, nodes: readonly NodeCapacity[]): Memory {
    let memory = this.#memories.get(name);
    if (memory?.candidates !== candidates || memory.nodes !== nodes) {
      memory = { candidates, nodes, byPool: new Map() };
      this.#memories.set(name, memory);
    }
    return memory;
  }

  #steadyRates(
    memory: Memory,
    demand: FunctionDemand,
    instances: readonly Instance[],
    plan: (instances: readonly Instance[]) => readonly PlacedInstance[],
  ): StableRates | undefined {
    const { nodes, byPool } = memory;
    const planned = plan(instances);
    if (!mayBeSteady(demand, planned)) return undefined;
    const key = keyOf(demand, planned);
    let steady = byPool.get(key);
    if (steady === undefined) {
      if (byPool.size >= MOST_POOLS) byPool.clear();
      steady = new StableRates({
        demand,
        instances: planned,
        nodes: fewOfEachKind(eligibleNodes(nodes, demand.nodeSelector).nodes, planned),
        planner: this.#planner,
        rates: this.#rates,
      });
      byPool.set(key, steady);
    }
    const { arrivalCv, warmInstances } = demand;
    memory.latest = { instances, arrivalCv, warmInstances, steady };
    return steady;
  }
}

/**
 * As much room as one function could want at once: its own nodes, and some of each kind. Thousands would be
 * slow to ask about.
 */
function fewOfEachKind(
  nodes: readonly NodeCapacity[],
  planned: readonly PlacedInstance[],
): readonly NodeCapacity[] {
  const own = new Set(planned.map(({ node }) => node));
  const counts = new Map<string, number>();
  return nodes.filter((node) => {
    if (own.has(node.name)) return true;
    const kind = kindOf(node);
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= FEW;
  });
}

/**
 * Spares asking the planner where it is plain that it moves: too few, some that is not wanted, or on its way
 * to another set.
 */
function mayBeSteady(demand: FunctionDemand, planned: readonly PlacedInstance[]): boolean {
  const { minInstances, warmInstances, maxInstances, recentRatePerSecond } = demand;
  const fewest = Math.min(maxInstances, Math.max(minInstances, warmInstances));
  const isUnwanted = recentRatePerSecond === 0 && planned.length > fewest;
  return planned.length >= fewest && !isUnwanted && !planned.some(({ outdated }) => outdated);
}

function latest(
  { latest: known }: Memory,
  { arrivalCv, warmInstances }: FunctionDemand,
  instances: readonly Instance[],
): StableRates | undefined {
  if (known?.instances !== instances) return undefined;
  return known.arrivalCv === arrivalCv && known.warmInstances === warmInstances ? known.steady : undefined;
}

/** All of what a planner is given of one function that changes while it is deployed, but its rates. */
function keyOf({ arrivalCv, warmInstances }: FunctionDemand, planned: readonly PlacedInstance[]): string {
  const pool = planned.map(({ config, ready }) => `${configKey(config)}${ready ? '' : '…'}`).sort();
  return `${arrivalCv} ${warmInstances} ${pool.join(' ')}`;
}
