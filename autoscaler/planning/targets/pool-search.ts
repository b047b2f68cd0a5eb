import { type Counts, type Offers, present, sizeOf } from './offer.ts';

/** What a pool must be. */
export interface PoolRequest {
  readonly offers: Offers;
  readonly ratePerSecond: number;
  /** What one instance of each offer costs by present prices. */
  readonly costs: readonly number[];
  /** What runs already, and so need not be started. */
  readonly running: Counts;
  readonly mostInstances: number;
}

/** Configs tried for the bulk of a pool: the cheapest by rate; the rest only as the last instance. */
const MOST_MAINS = 10;

/**
 * Rates are sums, which depend on the order of their terms: enough is a little more than what is asked for.
 */
const ROUNDING = 1 + 1e-9;

/** What a pool costs, starts included. */
export function costOf({ offers, costs, running }: PoolRequest, counts: Counts): number {
  let sum = 0;
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index]!;
    if (count === 0) continue;
    const started = Math.max(0, count - running[index]!);
    sum += costs[index]! * (count + offers.all[index]!.startCost * started);
  }
  return sum;
}

/** Whether it carries the rate that is wished. */
export function carries({ offers, ratePerSecond }: PoolRequest, counts: Counts): boolean {
  return offers.capacity(counts) >= ratePerSecond * ROUNDING;
}

/**
 * The cheapest pool that contains `base` and carries the rate, among those that add instances of one config
 * and, for what is left at the end, one of another: an optimum over all sets differs from that by less than
 * an instance. Undefined where no such pool is small enough.
 */
export function completed(request: PoolRequest, base: Counts): number[] | undefined {
  if (carries(request, base)) return [...base];
  const search = new Search(request, base);
  search.mains().forEach((main, place) => {
    if (place < MOST_MAINS || search.best === undefined) search.tryMain(main);
  });
  return search.best;
}

class Search {
  best: number[] | undefined;
  readonly #request: PoolRequest;
  readonly #base: Counts;
  readonly #baseSize: number;
  /** Offers, the cheapest first. */
  readonly #byCost: readonly number[];
  #bestCost = Infinity;

  constructor(request: PoolRequest, base: Counts) {
    this.#request = request;
    this.#base = base;
    this.#baseSize = sizeOf(base);
    const { costs, offers } = request;
    const share = (index: number): number => offers.share(index, this.#baseSize + 1);
    this.#byCost = costs
      .map((_, index) => index)
      .sort((a, b) => costs[a]! - costs[b]! || share(b) - share(a) || a - b);
  }

  /** What the bulk could be made of, the cheapest by rate first. */
  mains(): number[] {
    const { offers, ratePerSecond } = this.#request;
    const missing = ratePerSecond - offers.capacity(this.#base);
    const worthy = this.#byCost.filter((index) => offers.isWorth(index, missing));
    const unitCosts = new Array<number>(this.#byCost.length).fill(Infinity);
    for (const index of worthy) unitCosts[index] = this.#unitCost(index);
    const sorted = worthy.toSorted((a, b) => unitCosts[a]! - unitCosts[b]!);
    return sorted.length > 0 ? sorted : this.#byCost.slice(0, 1);
  }

  /** So many of one config that they are enough, or fewer and one of another. */
  tryMain(main: number): void {
    const { mostInstances } = this.#request;
    const enough = this.#leastCount(main, mostInstances - this.#baseSize);
    if (enough !== undefined) this.#offer(this.#with(main, enough));
    const most = Math.min(enough ?? Infinity, mostInstances - this.#baseSize);
    for (const count of [most - 1, most - 2]) if (count >= 0) this.#tryLast(main, count);
  }

  /** `count` of one config, and the cheapest single instance that makes it enough. */
  #tryLast(main: number, count: number): void {
    const { offers, ratePerSecond, costs } = this.#request;
    const without = this.#with(main, count);
    const size = this.#baseSize + count + 1;
    const missing = ratePerSecond * ROUNDING - offers.capacity(without, 1);
    const leastCost = costOf(this.#request, without);
    for (const index of this.#byCost) {
      if (leastCost + costs[index]! > this.#bestCost * ROUNDING) return; // nor is any dearer one better
      if (offers.share(index, size) < missing || !offers.isWorth(index, missing)) continue;
      const counts = [...without];
      counts[index]! += 1;
      this.#offer(counts);
      if (this.#request.running[index]! < counts[index]!) continue; // one that runs may be cheaper yet
      return;
    }
  }

  #leastCount(index: number, most: number): number | undefined {
    const { offers, ratePerSecond } = this.#request;
    const rate = ratePerSecond * ROUNDING;
    const missingAtMost = rate - offers.capacity(this.#base, Number.MAX_SAFE_INTEGER);
    let count = Math.max(1, Math.ceil(missingAtMost / offers.mostShares[index]!));
    for (; count <= most; count += 1) {
      const size = this.#baseSize + count;
      const carried = offers.capacity(this.#base, count) + count * offers.share(index, size);
      if (carried >= rate) return count;
    }
    return undefined;
  }

  #unitCost(index: number): number {
    const { offers, costs, running, ratePerSecond } = this.#request;
    const startCost = running[index]! > this.#base[index]! ? 0 : offers.all[index]!.startCost;
    const count = Math.ceil(ratePerSecond / offers.mostShares[index]!);
    return (costs[index]! * (1 + startCost)) / offers.share(index, this.#baseSize + count);
  }

  #with(index: number, count: number): number[] {
    const counts = [...this.#base];
    counts[index]! += count;
    return counts;
  }

  #offer(counts: number[]): void {
    const cost = costOf(this.#request, counts);
    if (cost < this.#bestCost) [this.best, this.#bestCost] = [counts, cost];
  }
}

/**
 * What remains of a pool when all that it can do without is taken out, the least efficient first or, where
 * that leaves less, the dearest.
 */
export function trimmed(request: PoolRequest, counts: Counts, fewest: number): number[] {
  const { offers, costs } = request;
  const size = sizeOf(counts);
  const some = present(counts);
  const dearest = some.toSorted((a, b) => costs[b]! - costs[a]! || a - b);
  const perRate = (index: number): number => costs[index]! / offers.share(index, size);
  const leastEfficient = some.toSorted((a, b) => perRate(b) - perRate(a) || a - b);
  const left = without(request, counts, leastEfficient, fewest);
  const other = without(request, counts, dearest, fewest);
  return costOf(request, other) < costOf(request, left) ? other : left;
}

/**
 * Takes out as many as it can of each offer in turn.
 *
 * @param most how many of each may go; default: all
 */
export function without(
  { offers, ratePerSecond }: PoolRequest,
  counts: Counts,
  order: readonly number[],
  fewest: number,
  most: Counts = counts,
): number[] {
  const left = [...counts];
  for (const index of order) {
    const before = left[index]!;
    let low = 0; // so many can go
    let high = Math.min(most[index]!, sizeOf(left) - fewest) + 1; // so many cannot
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      left[index] = before - middle;
      if (offers.capacity(left) >= ratePerSecond * ROUNDING) low = middle;
      else high = middle;
    }
    left[index] = before - low;
  }
  return left;
}
