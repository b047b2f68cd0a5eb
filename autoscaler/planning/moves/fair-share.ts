import type { Candidate } from '../../latency/candidate.ts';
import { Misfits } from '../placement/misfits.ts';
import { compareCoverage, type FunctionPlan } from '../targets/function-plan.ts';
import { type Buyer, clearMarket, type DemandElasticity } from '../targets/market.ts';
import { missingOf, type Target } from '../targets/targets.ts';
import type { Reservations } from './reservations.ts';

/**
 * Bounds the work of one plan where not everything fits; what is still missing then comes with the next one.
 */
const MOST_SHARED = 2_000;

/** What is short now need not be carried at any price, since others move soon. */
const GIVE_WAY_SOON: DemandElasticity = { dearest: 5, equality: 1 };

/** A function that is short of all it needs would pay for a request so many times what it should cost. */
const DEARER_PER_SHORTAGE = 100;

/** What a function's target does not contain is taken only if it carries so much more for its cost. */
const PREFERENCE = 1.25;

interface Share {
  readonly target: Target;
  /** What an instance of each offer costs by the prices of what is free now. */
  readonly costsNow: readonly number[];
}

/**
 * Shares out what room there is among functions that cannot all have what they lack: the shortest next gets
 * one instance of its target or, where none of that fits, of what brings it the most for what that is worth
 * now. Targets may count on room that will be there only when others have moved.
 */
export class FairShare {
  readonly #shares: Map<FunctionPlan, Share>;
  readonly #room: Reservations;
  readonly #misfitsNow = new Misfits();
  readonly #misfitsLater = new Misfits();

  constructor(
    growing: readonly { readonly plan: FunctionPlan; readonly target: Target }[],
    room: Reservations,
  ) {
    const { prices } = clearMarket(
      growing.map(({ plan }) => buyerOfMissing(plan)),
      room.freeNow,
      GIVE_WAY_SOON,
    );
    this.#shares = new Map(
      growing.map((each) => [each.plan, { ...each, costsNow: each.plan.costsAt(prices) }]),
    );
    this.#room = room;
  }

  run(): void {
    for (let shared = 0; this.#shares.size > 0 && shared < MOST_SHARED; shared += 1) {
      const next = [...this.#shares.keys()].reduce((a, b) => (compareCoverage(b, a) < 0 ? b : a));
      if (!this.give(next) || !next.wantsMore) this.#shares.delete(next);
    }
  }

  /** Gives a function one more instance. @returns whether there is a place for any */
  give(plan: FunctionPlan): boolean {
    const { target, costsNow } = this.#shares.get(plan)!;
    const wants = missingOf(plan, target).map(({ index }) => index);
    const best = wants[0];
    if (best !== undefined && this.#startsNow(plan, best)) return true;
    // Room that is there already would be promised with every plan anew, and nothing ever start in it.
    if (plan.size === 0 && wants.some((index) => this.#startsNow(plan, index))) return true;
    if (wants.some((index) => this.#startsLater(plan, index))) return true;
    if (offersByPreference(plan, wants, costsNow).some((index) => this.#startsNow(plan, index))) return true;
    return plan.hasNothing && this.#giveAny(plan);
  }

  #startsNow(plan: FunctionPlan, index: number): boolean {
    return this.#unlessMisfit(
      this.#misfitsNow,
      plan,
      plan.offer(index).candidate,
      () => this.#room.start(plan, index, 1) > 0,
    );
  }

  #startsLater(plan: FunctionPlan, index: number): boolean {
    return this.#unlessMisfit(
      this.#misfitsLater,
      plan,
      plan.offer(index).candidate,
      () => this.#room.reserve(plan, index, 1) > 0,
    );
  }

  /** In time or not: one that has nothing is served, and more is learnt of how long its batches take. */
  #giveAny(plan: FunctionPlan): boolean {
    const { others } = plan.offers;
    const now = (each: Candidate): boolean =>
      this.#unlessMisfit(this.#misfitsNow, plan, each, () => this.#room.startFallback(plan, each));
    const later = (each: Candidate): boolean =>
      this.#unlessMisfit(this.#misfitsLater, plan, each, () => this.#room.reserveFallback(plan, each));
    return others.some(now) || others.some(later);
  }

  #unlessMisfit(
    misfits: Misfits,
    { site }: FunctionPlan,
    candidate: Candidate,
    place: () => boolean,
  ): boolean {
    if (misfits.has(site, candidate)) return false;
    if (place()) return true;
    misfits.add(site, candidate);
    return false;
  }
}

function buyerOfMissing({ offers, demand, comingCapacity, weight }: FunctionPlan): Buyer {
  const ratePerSecond = Math.max(0, demand.ratePerSecond - comingCapacity);
  return { offers, ratePerSecond, weight, running: offers.all.map(() => 0) };
}

/**
 * What a short function takes where its best does not fit: of its target, or what carries much more for its
 * cost.
 */
export function offersByPreference(
  plan: FunctionPlan,
  wants: readonly number[],
  costs: readonly number[] = plan.costs,
): number[] {
  const size = plan.size + 1;
  const yieldOf = (index: number): number =>
    (plan.offers.share(index, size) / plan.costs[index]!) * (wants.includes(index) ? PREFERENCE : 1);
  return [...new Set([...wants, ...fallbackOffers(plan, costs)])].sort((a, b) => yieldOf(b) - yieldOf(a));
}

/**
 * Offers that a short function may take although its target does not contain them: those first that bring the
 * most of what is missing for their cost. The shorter it is, the more a request a second may cost.
 */
export function fallbackOffers(plan: FunctionPlan, costs: readonly number[] = plan.costs): number[] {
  const { offers, size, shortage } = plan;
  const unitCost = (index: number): number => plan.costs[index]! / offers.share(index, size + 1);
  const cheapest = costs.reduce((least, _, index) => Math.min(least, unitCost(index)), Infinity);
  const dearest = size === 0 ? Infinity : cheapest * (1 + DEARER_PER_SHORTAGE * shortage);
  return byValue(plan, costs).filter((index) => unitCost(index) <= dearest);
}

function byValue(plan: FunctionPlan, costs: readonly number[]): number[] {
  const { offers, comingCounts, comingCapacity, demand, slots } = plan;
  const missingPerSecond = Math.max(0, demand.ratePerSecond - comingCapacity);
  const gains = costs.map((_, index) => {
    const more = [...comingCounts];
    more[index]! += 1;
    return Math.min(missingPerSecond, offers.capacity(more) - comingCapacity);
  });
  // The instances still allowed must be able to carry it all, or as much as can be.
  const share = Math.min(missingPerSecond / slots, Math.max(...gains));
  const values = costs.map((cost, index) => {
    if (missingPerSecond === 0) return 1 / cost;
    const isMeantForIt = gains[index]! >= share && offers.isWorth(index, missingPerSecond);
    return (isMeantForIt ? 1 : 1e-6) * (gains[index]! / cost);
  });
  return costs.map((_, index) => index).sort((a, b) => values[b]! - values[a]!);
}
