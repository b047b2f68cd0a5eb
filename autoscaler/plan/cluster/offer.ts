import type { NodeCapacity } from '../../platforms/platform.ts';
import type { Candidate, FunctionDemand, RateModel, SharesBySize, Slo } from '../model.ts';
import { priceOf } from '../price.ts';
import { fitsOn, type Resources, resourcesOf } from './resources.ts';

/** Price every instance has beside its config: a process, a connection, memory for a copy of the model. */
const INSTANCE_PRICE = 2;

/**
 * For how long a move has to pay: what is started costs its price while it is starting, and brings what it saves for
 * about so long before the demand is another one.
 */
const MOVE_HORIZON_MS = 30_000;

/** How much slower than its quickest config a function is planned whose SLO no config keeps any more. */
const BEST_EFFORT = 2;

/** A config that may be started for a function. */
export interface Offer {
  readonly candidate: Candidate;
  readonly needs: Resources;
  readonly price: number;
  /** What starting one costs, as a share of its price. */
  readonly startCost: number;
}

/** One function's offers and what sets of them carry. */
export class Offers {
  readonly all: readonly Offer[];
  readonly slo: Slo;
  readonly #rates: RateModel;
  readonly #shares: readonly SharesBySize[];

  /** @param shapes one node of each kind that there is: a config that no empty node can hold is no offer */
  constructor(demand: FunctionDemand, rates: RateModel, shapes: readonly NodeCapacity[]) {
    this.#rates = rates;
    this.slo = attainableSlo(demand, rates);
    this.all = demand.candidates
      .filter((each) => rates.feasible(each, this.slo) && shapes.some((node) => fitsOn(each, node)))
      .map((candidate) => ({
        candidate,
        needs: resourcesOf(candidate),
        price: priceOf(candidate.config) + INSTANCE_PRICE,
        startCost: candidate.startupMs / MOVE_HORIZON_MS,
      }));
    this.#shares = this.all.map(({ candidate }) => rates.sharesOf(candidate, this.slo));
  }

  /** What one instance carries in a pool of so many, in requests per second. */
  share(index: number, poolSize: number): number {
    return this.#shares[index]!(poolSize);
  }

  /** What a pool carries, together with `more` instances that are not counted here. */
  capacity(counts: Counts, more = 0): number {
    const size = sizeOf(counts) + more;
    let sum = 0;
    for (let index = 0; index < counts.length; index += 1) {
      if (counts[index]! > 0) sum += counts[index]! * this.share(index, size);
    }
    return sum;
  }

  /** Whether starting this config makes sense when so much is missing. */
  isWorth(index: number, missingPerSecond: number): boolean {
    return this.#rates.worthStarting(this.all[index]!.candidate, missingPerSecond, this.slo);
  }
}

/** How many instances of each offer. */
export type Counts = readonly number[];

export function sizeOf(counts: Counts): number {
  let size = 0;
  for (const count of counts) size += count;
  return size;
}

/**
 * The SLO to plan for: the function's own or, where running has shown that no config keeps it, the best that can be
 * had. Serving late is better than not serving.
 */
function attainableSlo(demand: FunctionDemand, rates: RateModel): Slo {
  const { sloMs, percentile, arrivalCv, candidates } = demand;
  const slo = { sloMs, percentile, arrivalCv };
  if (candidates.some((candidate) => rates.feasible(candidate, slo))) return slo;
  const quickestMs = Math.min(...candidates.map(({ tailMs }) => tailMs));
  return { ...slo, sloMs: quickestMs * BEST_EFFORT };
}
