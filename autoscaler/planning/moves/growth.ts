import type { FunctionPlan } from '../targets/function-plan.ts';
import { missingOf, type Target } from '../targets/targets.ts';
import { FairShare } from './fair-share.ts';
import { preemptForFirst } from './first-instance.ts';
import type { Reservations } from './reservations.ts';

/**
 * Starts what functions that are short lack of their targets, large instances first, since small ones fit
 * beside them. Where that leaves somebody out, what room there is now is shared out one by one instead, first
 * among those who have requests and nothing at all.
 */
export function grow(plans: readonly FunctionPlan[], targets: readonly Target[], room: Reservations): void {
  const growing = plans.flatMap((plan, index) => (plan.wantsMore ? [{ plan, target: targets[index]! }] : []));
  const missing = growing.flatMap(({ plan, target }) => missingOf(plan, target));
  const largestFirst = missing.toSorted((a, b) => b.plan.offer(b.index).price - a.plan.offer(a.index).price);
  let fits = true;
  for (const { plan, index, count } of largestFirst) if (room.start(plan, index, count) < count) fits = false;
  if (fits && !growing.some(({ plan }) => plan.hasNothing)) return;
  for (const { plan } of growing) room.takeBackAll(plan);
  const sharing = new FairShare(growing, room);
  const poor = growing.filter(({ plan }) => plan.hasNothing && plan.demand.ratePerSecond > 0);
  for (const { plan } of poor) sharing.give(plan);
  preemptForFirst(
    poor.filter(({ plan }) => plan.hasNothing),
    plans,
    room,
  );
  sharing.run();
}
