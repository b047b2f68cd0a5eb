import { configKey } from '../../profiles/config.ts';
import type { Candidate, FunctionDemand, PlannedInstance, Planner, RateModel } from '../plan/model.ts';
import type { Instance, NodeCapacity } from '../platforms/platform.ts';
import { type SteadyBand, steadyBand } from './steady-band.ts';

/**
 * Below this share of the highest rate that a pool may be asked to carry, only requests that come can bring it there. Above,
 * it may seem higher for a moment although none comes, since rates are measured over whole buckets of time.
 */
const FAR_BELOW = 0.5;
/** From here on, in requests per second, rates are looked at regularly: what they rise by is learnt from that. */
const BUSY_PER_SECOND = 2;
/** A pool that may be asked to carry so much need not mind a request that comes alone: it makes a rate of less than half. */
const LONE_PER_SECOND = 5;

/** Bounds what is remembered of a function whose instances change all the time. */
const MOST_BANDS = 200;

/** Whether a function can be left alone. */
export type Outlook =
  /** No: a plan may change something. */
  | 'unsteady'
  /** For now: its rate may leave the band in which it is left as it is by itself. */
  | 'steady'
  /** Until requests come, something happens to its instances, or its cold-start policy changes its mind. */
  | 'settled'
  /** The same, and a lone request changes nothing either. */
  | 'at ease';

interface Memory {
  readonly nodes: readonly NodeCapacity[];
  readonly candidates: readonly Candidate[];
  readonly bands: Map<string, SteadyBand>;
  /** What the latest band was found for: the same answer is asked for over and over. */
  latest?: {
    readonly instances: readonly Instance[];
    readonly demand: FunctionDemand;
    readonly band: SteadyBand;
  };
}

/** Remembers for each function and each set of instances in which band of rates the planner leaves it as it is. */
export class Steadiness {
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
  outlook(
    demand: FunctionDemand,
    instances: readonly Instance[],
    nodes: readonly NodeCapacity[],
    plan: (instances: readonly Instance[]) => readonly PlannedInstance[],
  ): Outlook {
    const memory = this.#memoryOf(demand, nodes);
    const band = latestBand(memory, demand, instances) ?? this.#bandOf(memory, demand, instances, plan);
    if (band === undefined) return 'unsteady';
    const { ratePerSecond, recentRatePerSecond } = demand;
    const { leastRecentPerSecond, mostPerSecond } = band;
    if (ratePerSecond > mostPerSecond || recentRatePerSecond < leastRecentPerSecond) return 'unsteady';
    const mayChange =
      leastRecentPerSecond > 0 || ratePerSecond > Math.min(FAR_BELOW * mostPerSecond, BUSY_PER_SECOND);
    if (mayChange) return 'steady';
    return mostPerSecond >= LONE_PER_SECOND ? 'at ease' : 'settled';
  }

  forget(functionName: string): void {
    this.#memories.delete(functionName);
  }

  #memoryOf({ name, candidates }: FunctionDemand, nodes: readonly NodeCapacity[]): Memory {
    let memory = this.#memories.get(name);
    if (memory?.candidates !== candidates || memory.nodes !== nodes) {
      memory = { candidates, nodes, bands: new Map() };
      this.#memories.set(name, memory);
    }
    return memory;
  }

  #bandOf(
    memory: Memory,
    demand: FunctionDemand,
    instances: readonly Instance[],
    plan: (instances: readonly Instance[]) => readonly PlannedInstance[],
  ): SteadyBand | undefined {
    const planned = plan(instances);
    if (!mayBeSteady(demand, planned)) return undefined;
    const key = keyOf(demand, planned);
    let band = memory.bands.get(key);
    if (band === undefined) {
      band = steadyBand(demand, planned, memory.nodes, this.#planner, this.#rates);
      if (band === undefined) return undefined;
      if (memory.bands.size >= MOST_BANDS) memory.bands.clear();
      memory.bands.set(key, band);
    }
    memory.latest = { instances, demand, band };
    return band;
  }
}

/** Spares asking the planner where it is plain that it moves: too few, some that is not wanted, or on its way to another set. */
function mayBeSteady(demand: FunctionDemand, planned: readonly PlannedInstance[]): boolean {
  const { minInstances, warmInstances, maxInstances, recentRatePerSecond } = demand;
  const fewest = Math.min(maxInstances, Math.max(minInstances, warmInstances));
  const isUnwanted = recentRatePerSecond === 0 && planned.length > fewest;
  return planned.length >= fewest && !isUnwanted && !planned.some(({ outdated }) => outdated);
}

function latestBand(
  { latest }: Memory,
  { arrivalCv, warmInstances }: FunctionDemand,
  instances: readonly Instance[],
): SteadyBand | undefined {
  if (latest?.instances !== instances) return undefined;
  const { demand, band } = latest;
  return demand.arrivalCv === arrivalCv && demand.warmInstances === warmInstances ? band : undefined;
}

/** All of what a planner is given of one function that changes while it is deployed, but its rates. */
function keyOf({ arrivalCv, warmInstances }: FunctionDemand, planned: readonly PlannedInstance[]): string {
  const pool = planned.map(({ config, ready }) => `${configKey(config)}${ready ? '' : '…'}`).sort();
  return `${arrivalCv} ${warmInstances} ${pool.join(' ')}`;
}
