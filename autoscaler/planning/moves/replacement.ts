import type { FunctionPlan } from '../targets/function-plan.ts';
import { sizeOf } from '../targets/offer.ts';
import { without } from '../targets/pool-search.ts';
import { missingOf, surplusOf, type Target, wantedPerSecond } from '../targets/targets.ts';
import { dearestFirst } from './release.ts';
import type { Reservations } from './reservations.ts';

/**
 * A rate that is measured goes up and down by chance: what saves less than this now may cost as much in a
 * moment.
 */
const LEAST_SAVING = 0.03;

/**
 * Starts what a function that is not short lacks of its target, beside what runs: the dear instances are
 * released once the new are ready. As far as there is room, and where that part pays by itself.
 */
export function replace(plan: FunctionPlan, target: Target, room: Reservations): void {
  if (!mayReplace(plan)) return;
  const missing = missingOf(plan, target);
  const count = missing.reduce((sum, each) => sum + each.count, 0);
  if (count === 0 || count > plan.slots) return;
  const before = [...plan.counts];
  const wanted = wantedPerSecond(plan);
  const dearest = missing.toSorted((a, b) => plan.costs[b.index]! - plan.costs[a.index]!);
  const started = dearest.reduce((sum, each) => sum + room.start(plan, each.index, each.count), 0);
  if (started === 0) return;
  const worthIt = started < count ? 0 : LEAST_SAVING;
  if (savingOf(plan, wanted, before, target) <= worthIt) room.takeBackAll(plan);
  else plan.replaces();
}

/** One move at a time: what is not settled, or not known long enough, is not improved upon. */
export function mayReplace(plan: FunctionPlan): boolean {
  const isSettled = !plan.isMoving && plan.obsolete.length + plan.stopped === 0;
  return isSettled && !plan.wantsMore && plan.recentPerSecond !== Infinity;
}

/** What is saved when all has gone that can go once the new are ready: a share of what the function costs. */
function savingOf(
  plan: FunctionPlan,
  ratePerSecond: number,
  before: readonly number[],
  target: Target,
): number {
  const surplus = surplusOf(plan, target);
  const request = plan.poolRequest(ratePerSecond);
  const left = without(request, plan.counts, dearestFirst(plan, plan.counts), plan.fewest, surplus);
  const cost = (counts: readonly number[]): number =>
    counts.reduce((sum, count, index) => sum + count * plan.costs[index]!, 0);
  return sizeOf(left) > 0 ? 1 - cost(left) / cost(before) : 0;
}
