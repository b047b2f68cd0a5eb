import type { FunctionPlan } from './function-plan.ts';
import type { Purchase } from './market.ts';
import { type Counts, sizeOf } from './offer.ts';
import { completed, costOf, type PoolRequest, trimmed } from './pool-search.ts';

/** What a function must come to have. */
export interface Target {
  readonly counts: Counts;
  /** What of it the target carries: less than the demand where there is not enough for all. */
  readonly ratePerSecond: number;
}

/** So many instances of an offer that a function lacks of its target. */
export interface MissingInstances {
  readonly plan: FunctionPlan;
  readonly index: number;
  readonly count: number;
}

/** A fraction of an instance less than this is a rounding error. */
const WHOLE = 1e-6;

/**
 * What a function wants to be carried: no less than its demand and, of what it has, nothing is given up that
 * the recent past has needed.
 */
export function wantedPerSecond(plan: FunctionPlan): number {
  const { ratePerSecond } = plan.demand;
  return Math.max(ratePerSecond, Math.min(plan.capacity, plan.recentPerSecond));
}

/**
 * What a plan lacks of its target that neither starts nor is promised room; what carries the most for its
 * cost first.
 */
export function missingOf(plan: FunctionPlan, { counts }: Target): MissingInstances[] {
  const coming = plan.comingCounts;
  const size = sizeOf(coming) + 1;
  const yieldOf = ({ index }: MissingInstances): number =>
    plan.offers.share(index, size) / plan.costs[index]!;
  const missing: MissingInstances[] = [];
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index]! - coming[index]!;
    if (count > 0) missing.push({ plan, index, count });
  }
  return missing.sort((a, b) => yieldOf(b) - yieldOf(a));
}

/** By offer: how many of what it has the target does not contain. */
export function surplusOf({ counts }: FunctionPlan, target: Target): number[] {
  return counts.map((count, index) => Math.max(0, count - target.counts[index]!));
}

/** Turns what the market gives a function in fractions into whole instances. */
export function targetOf(plan: FunctionPlan, purchase: Purchase): Target {
  const ratePerSecond = Math.min(purchase.ratePerSecond, wantedPerSecond(plan));
  const request = plan.poolRequest(ratePerSecond);
  const { running } = request;
  const near =
    plan.capacity < ratePerSecond ? completed(request, running) : trimmed(request, running, plan.fewest);
  const rounded = completed(request, wholeOf(purchase.counts, request));
  const counts = cheaper(request, near, rounded, purchase.isMarginal) ?? asMuchAsCanBe(request);
  return { counts: atLeast(plan, counts), ratePerSecond };
}

/**
 * Between two that are equally good by price, those on the margin follow the market: it has counted who goes
 * where.
 */
function cheaper(
  request: PoolRequest,
  near: number[] | undefined,
  rounded: number[] | undefined,
  isMarginal: boolean,
): number[] | undefined {
  if (near === undefined || rounded === undefined) return near ?? rounded;
  if (isMarginal) return rounded;
  return costOf(request, rounded) < costOf(request, near) * (1 - WHOLE) ? rounded : near;
}

function wholeOf(counts: Counts, { mostInstances }: PoolRequest): number[] {
  const whole = counts.map((count) => Math.floor(count + WHOLE));
  return sizeOf(whole) <= mostInstances ? whole : whole.map(() => 0);
}

/** Too few instances are allowed to carry it all: those allowed, such that they carry the most. */
function asMuchAsCanBe({ offers, running, mostInstances }: PoolRequest): number[] {
  const counts = [...running];
  const slots = mostInstances - sizeOf(counts);
  let best = -1;
  let most = 0;
  offers.all.forEach((_, index) => {
    const share = offers.share(index, mostInstances);
    if (share > most) [best, most] = [index, share];
  });
  if (best >= 0 && slots > 0) counts[best]! += slots;
  return counts;
}

function atLeast({ costs, fewest }: FunctionPlan, counts: number[]): number[] {
  const missing = fewest - sizeOf(counts);
  if (missing <= 0 || costs.length === 0) return counts;
  const cheapest = costs.reduce((best, cost, index) => (cost < costs[best]! ? index : best), 0);
  counts[cheapest]! += missing;
  return counts;
}
