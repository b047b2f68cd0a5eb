import { configKey } from '../../../profiles/config.ts';
import { eligibleNodes } from '../../cluster/eligible-nodes.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { ClusterSnapshot, PlacedInstance } from '../../cluster/snapshot.ts';
import type { RateModel } from '../capacity/rate-model.ts';
import type { FunctionDemand, Planner } from '../decision.ts';
import { offersFor } from '../targets/offer.ts';

/** What a pool carries is looked at in so many steps. */
const STEPS = 20;

/**
 * Capacity is met exactly where the last instance too few would be started: what is asked for lies just
 * below.
 */
const BELOW = 1 - 1e-9;

export interface Question {
  /** What is asked of the function; its rates do not matter. */
  readonly demand: FunctionDemand;
  /** The function's own. */
  readonly instances: readonly PlacedInstance[];
  readonly nodes: readonly NodeCapacity[];
  readonly planner: Planner;
  readonly rates: RateModel;
}

/**
 * The rates at which the planner leaves a pool as it is, found by asking it: for this function alone in an
 * empty cluster, where it is the freest to move. What it leaves at both ends of a step it leaves between
 * them.
 *
 * What is asked for now matters only where it exceeds what the pool carries: planners start for that, and
 * keep and replace by the highest rate of the recent past.
 */
export class StableRates {
  /** What the pool carries, in requests per second. */
  readonly mostPerSecond: number;
  readonly #question: Question;
  readonly #cluster: ClusterSnapshot;
  readonly #stepPerSecond: number;
  /** By step: whether the pool is left as it is at the beginning of it. */
  readonly #steady = new Map<number, boolean>();

  constructor(question: Question) {
    this.#question = question;
    this.#cluster = { nodes: question.nodes, instances: question.instances, leaving: [] };
    this.mostPerSecond = BELOW * capacityOf(question);
    this.#stepPerSecond = this.mostPerSecond / STEPS;
  }

  /** Whether the pool is left as it is at these rates. */
  has({ ratePerSecond, recentRatePerSecond }: FunctionDemand): boolean {
    if (ratePerSecond > this.mostPerSecond) return false;
    const step = this.#stepOf(recentRatePerSecond);
    return this.#isSteadyFrom(step) && this.#isSteadyFrom(step + 1);
  }

  /** Whether it is left as it is at these rates and at all lower ones. */
  hasAllBelow(demand: FunctionDemand): boolean {
    if (demand.recentRatePerSecond === Infinity || !this.has(demand)) return false;
    const last = Math.min(STEPS, this.#stepOf(demand.recentRatePerSecond));
    for (let step = 0; step < last; step += 1) if (!this.#isSteadyFrom(step)) return false;
    return true;
  }

  /** Infinity where the rate is not known, or the pool carries nothing. */
  #stepOf(recentRatePerSecond: number): number {
    return recentRatePerSecond === 0 ? 0 : Math.floor(recentRatePerSecond / this.#stepPerSecond);
  }

  #isSteadyFrom(step: number): boolean {
    let isSteady = this.#steady.get(step);
    if (isSteady === undefined) {
      isSteady = this.#isSteadyAt(step === Infinity ? Infinity : step * this.#stepPerSecond);
      this.#steady.set(step, isSteady);
    }
    return isSteady;
  }

  #isSteadyAt(recentRatePerSecond: number): boolean {
    const { demand, planner, rates } = this.#question;
    const ratePerSecond = Math.min(recentRatePerSecond, this.mostPerSecond);
    const asked = { ...demand, ratePerSecond, recentRatePerSecond };
    return planner({ demands: [asked], cluster: this.#cluster, rates }).actions.length === 0;
  }
}

/**
 * By the SLO that is planned for: where no config keeps the function's own, what carries nothing by that
 * would never rest.
 */
function capacityOf({ demand, instances, nodes, rates }: Question): number {
  const { all, slo } = offersFor(demand, rates, eligibleNodes(nodes, demand.nodeSelector).kinds);
  const byConfig = new Map(all.map(({ candidate }) => [configKey(candidate.config), candidate]));
  const pool = instances.flatMap(({ config }) => byConfig.get(configKey(config)) ?? []);
  return rates.capacityPerSecond(pool, slo);
}
