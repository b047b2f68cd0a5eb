import { isNoEasier, type NodeCapacity } from '../../cluster/node.ts';
import { priceOf } from '../../cluster/price.ts';
import { placeableOn } from '../../cluster/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel, SharesBySize, SloUnderLoad } from '../capacity/rate-model.ts';
import type { FunctionDemand } from '../decision.ts';
import { attainableSlo } from './attainable-slo.ts';

/** Price every instance has beside its config: a process, a connection, memory for a copy of the model. */
const INSTANCE_PRICE = 2;

/**
 * For how long a move has to pay: what is started costs its price while it is starting, and brings what it
 * saves for about so long before the demand is another one.
 */
const MOVE_HORIZON_MS = 30_000;

/** A config that may be started for a function. */
export interface Offer {
  readonly candidate: Candidate;
  readonly price: number;
  /** What starting one costs, as a share of its price. */
  readonly startCost: number;
}

/** One function's offers and what sets of them carry. */
export class Offers {
  readonly all: readonly Offer[];
  /** The same for all configs that some node can hold, whether they keep the SLO or not. */
  readonly placeable: readonly Offer[];
  /** What one instance of each costs where nothing is scarce. */
  readonly prices: readonly number[];
  /** What is planned for: looser than the function's own where no config that a node can hold keeps that. */
  readonly slo: SloUnderLoad;
  /**
   * Configs that some node can hold, but that do not keep even that: better than nothing where no offer finds
   * a place.
   */
  readonly others: readonly Candidate[];
  readonly #asked: SloUnderLoad;
  readonly #rates: RateModel;
  readonly #kinds: readonly NodeCapacity[];
  /** What one instance of each carries in the largest pool: nowhere more. */
  readonly mostShares: readonly number[];
  readonly #shares: readonly SharesBySize[];
  #smallest: readonly Candidate[] | undefined;

  /** @param kinds one node of each kind that there is: a config that no empty node can hold is no offer */
  constructor(demand: FunctionDemand, rates: RateModel, kinds: readonly NodeCapacity[]) {
    const { sloMs, percentile, arrivalCv } = demand;
    this.#asked = { sloMs, percentile, arrivalCv };
    this.#rates = rates;
    this.#kinds = kinds;
    const placeable = placeableOn(kinds, demand.candidates);
    this.slo = attainableSlo(this.#asked, placeable, rates);
    this.placeable = placeable.map((candidate) => ({
      candidate,
      price: priceOf(candidate.config) + INSTANCE_PRICE,
      startCost: candidate.startupMs / MOVE_HORIZON_MS,
    }));
    this.all = this.placeable.filter(({ candidate }) => rates.feasible(candidate, this.slo));
    this.others = placeable.filter((each) => !rates.feasible(each, this.slo)).sort(byTail);
    this.prices = this.all.map(({ price }) => price);
    this.#shares = this.all.map(({ candidate }) => rates.sharesOf(candidate, this.slo));
    this.mostShares = this.#shares.map((share) => share(Number.MAX_SAFE_INTEGER));
  }

  /** Whether they are what the same candidates come to for this demand. */
  areFor(demand: FunctionDemand, rates: RateModel, kinds: readonly NodeCapacity[]): boolean {
    const { sloMs, percentile, arrivalCv } = this.#asked;
    return (
      demand.sloMs === sloMs &&
      demand.percentile === percentile &&
      demand.arrivalCv === arrivalCv &&
      rates === this.#rates &&
      kinds.length === this.#kinds.length &&
      kinds.every((kind, index) => kind === this.#kinds[index])
    );
  }

  /** Those that need the least, offers before others: where none of them finds a place, nothing does. */
  get smallest(): readonly Candidate[] {
    this.#smallest ??= [
      ...leastNeedy(
        this.all.map(({ candidate }) => candidate),
        this.#kinds,
      ),
      ...leastNeedy(this.others, this.#kinds),
    ];
    return this.#smallest;
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
      const count = counts[index]!;
      if (count > 0) sum += count * this.#shares[index]!(size);
    }
    return sum;
  }

  /** Whether starting this config makes sense when so much is missing. */
  isWorth(index: number, missingPerSecond: number): boolean {
    return this.#rates.worthStarting(this.all[index]!.candidate, missingPerSecond, this.slo);
  }
}

/** Without those that need as much of everything as another, or more; of equals the quickest stays. */
function leastNeedy(candidates: readonly Candidate[], kinds: readonly NodeCapacity[]): Candidate[] {
  return candidates.toSorted(byTail).reduce<Candidate[]>((least, each) => {
    if (least.some((other) => isNoEasier(each, other, kinds))) return least;
    return [...least.filter((other) => !isNoEasier(other, each, kinds)), each];
  }, []);
}

/** The quickest first; of two the cheaper. */
function byTail(a: Candidate, b: Candidate): number {
  return a.tailMs - b.tailMs || priceOf(a.config) - priceOf(b.config);
}

/**
 * The same candidates come back with every plan until running shows other times: what was made of them last
 * is kept.
 */
const lastOf = new WeakMap<readonly Candidate[], Offers>();

export function offersFor(demand: FunctionDemand, rates: RateModel, kinds: readonly NodeCapacity[]): Offers {
  let offers = lastOf.get(demand.candidates);
  if (!offers?.areFor(demand, rates, kinds)) {
    offers = new Offers(demand, rates, kinds);
    lastOf.set(demand.candidates, offers);
  }
  return offers;
}

/** How many instances of each offer. */
export type Counts = readonly number[];

/** Asked for all the time: an index makes no iterator. */
export function sizeOf(counts: Counts): number {
  let size = 0;
  for (let index = 0; index < counts.length; index += 1) size += counts[index]!;
  return size;
}

/** Offers of which there are any. */
export function present(counts: Counts): number[] {
  const offers: number[] = [];
  for (let index = 0; index < counts.length; index += 1) if (counts[index]! > 0) offers.push(index);
  return offers;
}
