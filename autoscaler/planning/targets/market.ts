import { addTo, dot, isAtMost, type Vector, ZERO } from '../../../models/base/resources.ts';
import { type Counts, type Offers, present, sizeOf } from './offer.ts';

/** One function as it comes to the market. */
export interface Buyer {
  readonly offers: Offers;
  /** What it wants carried. */
  readonly ratePerSecond: number;
  readonly weight: number;
  /** What it has: need not be started. */
  readonly running: Counts;
}

/** What a buyer takes at the market's prices: a fraction of an instance is a fraction of what it carries. */
export interface Purchase {
  readonly counts: readonly number[];
  /** Of what it wanted: below 1 where there is not enough for all. */
  readonly ratePerSecond: number;
  /**
   * Whether it is one of those between whom a resource just suffices: at these prices more of it would do as
   * well.
   */
  readonly isMarginal: boolean;
}

export interface MarketClearing {
  /** What each resource costs beside its list price, since there is not more of it. */
  readonly prices: Vector;
  readonly purchases: readonly Purchase[];
}

/** What buyers do where a resource becomes dear. */
export interface DemandElasticity {
  /** So many times what it costs on an empty cluster a request may cost before some are given up. */
  readonly dearest: number;
  /** How slowly they are given up then: the larger, the more equal are the shares that are carried. */
  readonly equality: number;
}

/** Demand is carried whatever it costs, if that is possible at all, and given up in nearly equal shares. */
const CARRY_AT_ANY_PRICE: DemandElasticity = { dearest: 1_000, equality: 8 };

/** Prices are found one after the other; each moves the others' a little. */
const ROUNDS = 4;
const HALVINGS = 24;
const DOUBLINGS = 60;

/**
 * Finds the prices at which all functions' cheapest choices together need no more than there is: the dual of
 * the linear programme that covers all demand at the least price (a fractional answer, within the error of
 * rounding of the best there is). What runs has its start behind it, and so stays as long as nothing else is
 * clearly cheaper.
 *
 * Where there is not enough for all, prices rise until the demand falls: each function gives up a share of
 * its own that grows with the eighth root of its price, so that shares by weight end nearly equal.
 */
export function clearMarket(
  buyers: readonly Buyer[],
  capacity: Vector,
  elasticity: DemandElasticity = CARRY_AT_ANY_PRICE,
): MarketClearing {
  const market = new Market(buyers, capacity, elasticity);
  return market.clear();
}

class Market {
  readonly #choices: readonly BuyerChoice[];
  readonly #capacity: Vector;

  constructor(buyers: readonly Buyer[], capacity: Vector, elasticity: DemandElasticity) {
    const leastWeight = Math.min(...buyers.map(({ weight }) => weight));
    this.#choices = buyers.map((buyer) => new BuyerChoice(buyer, buyer.weight / leastWeight, elasticity));
    this.#capacity = capacity;
  }

  clear(): MarketClearing {
    const prices: number[] = [...ZERO];
    const demand: number[] = [...ZERO];
    const bought = this.#choices.map((choice) => choice.buy(prices, demand));
    if (this.#suffices(demand)) {
      return { prices, purchases: bought.map((each) => ({ ...each, isMarginal: false })) };
    }
    let below: Vector = prices;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let resource = 0; resource < prices.length; resource += 1) {
        const low = this.#findPrice(prices, resource);
        if (low !== undefined) below = low;
      }
      if (this.#suffices(this.#demandAt(prices))) break;
    }
    return this.#concluded(prices, below);
  }

  #suffices(demand: Vector): boolean {
    return isAtMost(demand, this.#capacity);
  }

  /**
   * Sets one price to the lowest at which that resource suffices.
   *
   * @returns the prices just below, at which it does not; undefined if it costs nothing
   */
  #findPrice(prices: number[], resource: number): Vector | undefined {
    const suffices = (price: number): boolean => {
      prices[resource] = price;
      return this.#demandAt(prices)[resource]! <= this.#capacity[resource]!;
    };
    const before = prices[resource]!;
    if (suffices(0)) return undefined;
    let low = 0;
    let high = before > 0 ? before : this.#listValue() / Math.max(1, this.#capacity[resource]!);
    for (let step = 0; step < DOUBLINGS && !suffices(high); step += 1) [low, high] = [high, high * 2];
    for (let step = 0; step < HALVINGS; step += 1) {
      const middle = low === 0 ? high / 8 : Math.sqrt(low * high);
      if (suffices(middle)) high = middle;
      else low = middle;
    }
    prices[resource] = low;
    const below: Vector = [...prices];
    prices[resource] = high;
    return below;
  }

  /** What all would cost by list prices: the scale of the others. */
  #listValue(): number {
    return this.#choices.reduce((sum, choice) => sum + choice.listValue, 0);
  }

  #demandAt(prices: Vector): Vector {
    const total: number[] = [...ZERO];
    for (const choice of this.#choices) choice.buy(prices, total);
    return total;
  }

  /**
   * At prices that just suffice, a resource is left over; a little below, some function would switch and take
   * too much of it. What lies between fits exactly.
   */
  #concluded(prices: Vector, below: Vector): MarketClearing {
    const enough: number[] = [...ZERO];
    const tooMuch: number[] = [...ZERO];
    const bought = this.#choices.map((choice) => choice.buy(prices, enough));
    const wished = this.#choices.map((choice) => choice.buy(below, tooMuch));
    let share = 1;
    prices.forEach((_, index) => {
      const over = tooMuch[index]! - enough[index]!;
      const spare = this.#capacity[index]! - enough[index]!;
      if (tooMuch[index]! > this.#capacity[index]! && over > 0)
        share = Math.min(share, Math.max(0, spare) / over);
    });
    const purchases = bought.map((dear, index) => mix(dear, wished[index]!, share));
    return { prices, purchases };
  }
}

interface Bought {
  readonly counts: readonly number[];
  readonly ratePerSecond: number;
}

function mix(dear: Bought, cheap: Bought, share: number): Purchase {
  const isMarginal = dear.counts.some((count, index) => Math.abs(count - cheap.counts[index]!) > 1e-6);
  return {
    counts: dear.counts.map((count, index) => count * (1 - share) + cheap.counts[index]! * share),
    ratePerSecond: dear.ratePerSecond * (1 - share) + cheap.ratePerSecond * share,
    isMarginal,
  };
}

function wantsNothing({ offers, ratePerSecond }: Buyer): boolean {
  return ratePerSecond <= 0 || offers.all.length === 0;
}

/** One buyer's columns of the programme: its offers anew, and what it has of them. */
class BuyerChoice {
  readonly #buyer: Buyer;
  readonly #weight: number;
  readonly #elasticity: DemandElasticity;
  /** What one more instance of each offer carries. */
  readonly #newRates: readonly number[];
  readonly #kept: readonly { readonly index: number; readonly count: number; readonly rate: number }[];
  readonly #listUnitCost: number;

  constructor(buyer: Buyer, weight: number, elasticity: DemandElasticity) {
    const { offers, ratePerSecond, running } = buyer;
    this.#buyer = buyer;
    this.#weight = weight;
    this.#elasticity = elasticity;
    const size = sizeOf(running);
    this.#newRates = wantsNothing(buyer)
      ? []
      : offers.mostShares.map((atMost, index) =>
          offers.share(index, Math.max(1, Math.ceil(ratePerSecond / atMost))),
        );
    this.#kept = running.flatMap((count, index) =>
      count > 0 ? [{ index, count, rate: offers.share(index, size) }] : [],
    );
    this.#listUnitCost = this.#cheapestNew(ZERO).unitCost;
  }

  get listValue(): number {
    return wantsNothing(this.#buyer) ? 0 : this.#listUnitCost * this.#buyer.ratePerSecond;
  }

  /** @param total what it takes is added to it */
  buy(prices: Vector, total: number[]): Bought {
    const { offers, ratePerSecond } = this.#buyer;
    const counts = new Array<number>(offers.all.length).fill(0);
    if (wantsNothing(this.#buyer)) return { counts, ratePerSecond: 0 };
    const { index: cheapest, unitCost } = this.#cheapestNew(prices);
    const { dearest, equality } = this.#elasticity;
    const affordable = this.#weight * ((dearest * this.#listUnitCost) / unitCost) ** (1 / equality);
    const wanted = ratePerSecond * Math.min(1, affordable);
    let left = wanted;
    for (const { index, count, rate } of this.#keptBelow(unitCost, prices)) {
      const taken = Math.min(count, left / rate);
      counts[index]! += taken;
      left -= taken * rate;
      if (left <= 0) break;
    }
    if (left > 0) counts[cheapest]! += left / this.#newRates[cheapest]!;
    for (const index of present(counts)) {
      addTo(total, offers.all[index]!.candidate.needs, counts[index]!);
    }
    return { counts, ratePerSecond: wanted };
  }

  #cheapestNew(prices: Vector): { readonly index: number; readonly unitCost: number } {
    const { all } = this.#buyer.offers;
    let best = -1;
    let unitCost = Infinity;
    for (let index = 0; index < this.#newRates.length; index += 1) {
      const { price, candidate, startCost } = all[index]!;
      const cost = ((price + dot(candidate.needs, prices)) * (1 + startCost)) / this.#newRates[index]!;
      if (cost < unitCost) [best, unitCost] = [index, cost];
    }
    return { index: best, unitCost };
  }

  /** What runs and carries a request for no more than a new instance would, the cheapest first. */
  #keptBelow(most: number, prices: Vector): { index: number; count: number; rate: number }[] {
    const { all } = this.#buyer.offers;
    return this.#kept
      .map((each) => {
        const { price, candidate } = all[each.index]!;
        return { ...each, unitCost: (price + dot(candidate.needs, prices)) / each.rate };
      })
      .filter(({ unitCost }) => unitCost <= most)
      .sort((a, b) => a.unitCost - b.unitCost);
  }
}
