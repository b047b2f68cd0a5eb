import { compareCoverage, type FunctionPlan, levelOf } from '../targets/function-plan.ts';
import { sizeOf } from '../targets/offer.ts';
import { missingOf, surplusOf, type Target } from '../targets/targets.ts';
import { fallbackOffers, offersByPreference } from './fair-share.ts';
import { mayReplace } from './replacement.ts';
import type { Reservations } from './reservations.ts';
import {
  type Conditions,
  canGive,
  fewestVictims,
  lentTo,
  ownersOf,
  readyWithout,
  stopAll,
  type Victim,
} from './victims.ts';

/** A shortage of less than this is no more than chance does to a rate that is measured. */
const NEARLY = 0.02;

/** What share of what a function can carry may be missing for a moment, so that it has better in the next. */
const MOST_CONVERTED = 0.1;

/** Bounds the work of one plan. */
const MOST_PREEMPTIONS = 64;
const MOST_NEEDY = 16;
/** Offers that room is looked for beside the target's, the best first. */
const MOST_OFFERS = 8;

/** Victims, and the offer that there is room for without them. */
interface Preemption {
  readonly offer: number;
  readonly victims: readonly Victim[];
}

/**
 * Makes room on full nodes for what functions lack of their targets, by stopping what is in its way:
 *
 * - what its owner's target does not contain either, so that step by step everybody comes to have what the
 *   market has found for all; so little at a time that it is hardly missed until the new, which carries more,
 *   is ready;
 * - for who is relatively shortest, obsolete instances of its own, or instances of others that stay better
 *   off without them.
 *
 * So the worst coverage rises until all are about equal. No one asks for more while room for it is on its
 * way.
 */
export function preempt(
  plans: readonly FunctionPlan[],
  targets: readonly Target[],
  room: Reservations,
): void {
  const preemptor = new Preemptor(plans, targets, room);
  const order = plans.map((_, index) => index).sort((a, b) => compareCoverage(plans[a]!, plans[b]!));
  const needy = order.filter((index) => plans[index]!.wantsMore).slice(0, MOST_NEEDY);
  for (const index of order) {
    if (plans[index]!.wantsMore || mayReplace(plans[index]!)) preemptor.swapFor(index);
  }
  for (const index of needy) preemptor.preemptFor(index);
}

class Preemptor {
  readonly #plans: readonly FunctionPlan[];
  readonly #targets: readonly Target[];
  readonly #room: Reservations;
  /** What no target contains, as far as it has not been stopped; looked for once, when first asked for. */
  #surplusLeft: readonly Victim[] | undefined;
  #preemptions = 0;

  constructor(plans: readonly FunctionPlan[], targets: readonly Target[], room: Reservations) {
    this.#plans = plans;
    this.#targets = targets;
    this.#room = room;
  }

  /**
   * Takes surplus out of the way of what a function lacks of its target, if nothing else can start for it.
   */
  swapFor(place: number): void {
    const plan = this.#plans[place]!;
    if (plan.isGrowing) return;
    const lacking = missingOf(plan, this.#targets[place]!);
    const wants = lacking.map(({ index }) => index);
    for (const { index, count } of lacking) {
      for (let left = count; left > 0 && this.#preemptions < MOST_PREEMPTIONS; left -= 1) {
        if (this.#room.reserve(plan, index, 1) > 0) continue;
        const preemption = this.#cheapest(plan, [index], this.#surplus, {
          mayGo: (victims) => canSpare(victims, plan),
          isWorth: (victims, room) => !plan.isShort || isGain(victims, plan, index, Math.min(room, left)),
        });
        if (preemption === undefined || this.#wouldBeLost(plan, preemption, wants)) break;
        this.#carryOut(plan, preemption);
      }
    }
  }

  /** Gives the shortest what it needs most, at others' cost. */
  preemptFor(place: number): void {
    const plan = this.#plans[place]!;
    if (!plan.wantsMore || plan.isMoving) return;
    const wants = missingOf(plan, this.#targets[place]!).map(({ index }) => index);
    const offers = [...new Set([...wants, ...fallbackOffers(plan).slice(0, MOST_OFFERS)])];
    const own = plan.obsolete.map((instance) => ({ owner: plan, index: undefined, instance }));
    const isNearlyCarried = plan.size >= plan.fewest && plan.shortage < NEARLY;
    const preemption =
      this.#cheapest(plan, offers, own) ??
      (isNearlyCarried
        ? undefined
        : this.#cheapest(plan, offers, [...own, ...lentTo(plan, this.#plans)], {
            mayGo: (victims) => canGive(victims, plan),
          }));
    if (preemption !== undefined) this.#carryOut(plan, preemption);
  }

  /**
   * Whether the room would be taken for something else of the same function, and so the same be found again.
   */
  #wouldBeLost(plan: FunctionPlan, { offer, victims }: Preemption, wants: readonly number[]): boolean {
    if (!plan.isShort || offer === wants[0]) return false;
    const leaving = victims.map(({ instance }) => instance);
    const { node } = leaving[0]!;
    const order = offersByPreference(plan, wants);
    return order
      .slice(0, order.indexOf(offer))
      .some((index) => this.#room.roomWithout(leaving, node, plan.site, plan.offer(index).candidate) > 0);
  }

  #carryOut(plan: FunctionPlan, { offer, victims }: Preemption): void {
    this.#preemptions += 1;
    stopAll(victims, plan, this.#room);
    this.#surplusLeft = this.#surplusLeft?.filter((victim) => !victims.includes(victim));
    this.#room.reserve(plan, offer, 1);
  }

  get #surplus(): readonly Victim[] {
    this.#surplusLeft ??= this.#plans.flatMap((plan, place) => surplusVictims(plan, this.#targets[place]!));
    return this.#surplusLeft;
  }

  #cheapest(
    plan: FunctionPlan,
    offers: readonly number[],
    victims: readonly Victim[],
    conditions: Conditions = {},
  ): Preemption | undefined {
    const candidates = offers.map((index) => plan.offer(index).candidate);
    const found = fewestVictims({ room: this.#room, plan, candidates }, victims, conditions);
    if (found === undefined) return undefined;
    return { offer: offers[candidates.indexOf(found.candidate)]!, victims: found.victims };
  }
}

function surplusVictims(owner: FunctionPlan, target: Target): Victim[] {
  return surplusOf(owner, target).flatMap((count, index) =>
    owner
      .readyOf(index)
      .slice(0, count)
      .map((instance) => ({ owner, index, instance })),
  );
}

/** Whether no one falls far below what it carries now, and no one at all for one who can do without. */
function canSpare(victims: readonly Victim[], needy: FunctionPlan): boolean {
  return ownersOf(victims).every((owner) => {
    const ready = readyWithout(owner, victims);
    const left = owner.offers.capacity(ready);
    const size = sizeOf(ready);
    if (left >= owner.recentPerSecond && size >= owner.fewest) return true;
    if (!needy.isShort)
      return owner === needy && left >= (1 - NEARLY) * owner.recentPerSecond && size >= owner.fewest;
    // One who would be shorter afterwards would take the room back.
    if (owner !== needy && levelOf(owner.coverageOf(left)) < levelOf(needy.coverage)) return false;
    const { ratePerSecond } = owner.demand;
    if (ratePerSecond > 0 && size === 0) return false;
    if (!owner.isChanging) return true; // the first, however large
    const least = Math.min(1 - MOST_CONVERTED, 1 - needy.shortage);
    return left >= least * Math.min(ratePerSecond, owner.capacityBefore);
  });
}

/** Whether so many of the new carry more than what of a function's own makes room for them. */
function isGain(victims: readonly Victim[], plan: FunctionPlan, index: number, count: number): boolean {
  const { size, offers } = plan;
  const own = victims.filter(({ owner }) => owner === plan);
  const carried = own.reduce((sum, { index: taken }) => sum + offers.share(taken!, size), 0);
  return carried * (1 + plan.offer(index).startCost) < offers.share(index, size) * count;
}
