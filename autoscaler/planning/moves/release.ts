import type { PlacedInstance } from '../../cluster/snapshot.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';
import { type Counts, present, sizeOf } from '../targets/offer.ts';
import { without } from '../targets/pool-search.ts';
import { surplusOf, type Target } from '../targets/targets.ts';
import type { Reservations } from './reservations.ts';

/**
 * Stops what a function can do without: obsolete instances when others that are ready carry its demand, and
 * what its target does not contain when those carry the highest rate of the recent past. On the emptiest
 * nodes first, so that they empty.
 */
export function release(plan: FunctionPlan, target: Target, room: Reservations): void {
  releaseObsolete(plan, room);
  const ready = [...plan.readyCounts];
  const surplus = surplusOf(plan, target).map((count, index) => Math.min(count, ready[index]!));
  if (sizeOf(surplus) === 0 && sizeOf(ready) <= plan.demand.maxInstances) return;
  const order = dearestFirst(plan, ready);
  const request = plan.poolRequest(plan.recentPerSecond);
  const left = without(request, ready, order, plan.fewest, surplus);
  const tooMany = sizeOf(left) - plan.demand.maxInstances;
  if (tooMany > 0) takeOut(left, order, tooMany);
  const reason = plan.recentPerSecond === 0 ? 'idle' : 'release';
  ready.forEach((count, index) => {
    const leaving = count - left[index]!;
    if (leaving <= 0) return;
    const emptiestFirst = plan
      .readyOf(index)
      .toSorted((a, b) => room.freeCpuMillicores(b.node) - room.freeCpuMillicores(a.node));
    for (const instance of emptiestFirst.slice(0, leaving)) {
      plan.release(index, instance, reason);
      room.leave(instance);
    }
  });
}

function releaseObsolete(plan: FunctionPlan, room: Reservations): void {
  const { demand, offers, readyCounts, fewest } = plan;
  const size = sizeOf(readyCounts);
  const isEnough = size >= fewest && offers.capacity(readyCounts) >= demand.ratePerSecond;
  if (!isEnough && size < demand.maxInstances) return;
  const gone: PlacedInstance[] = plan.obsolete.filter(({ ready }) => ready);
  for (const instance of gone) {
    plan.releaseObsolete(instance, 'obsolete');
    room.leave(instance);
  }
}

/** Beyond the largest number allowed, instances go whatever the rate. */
function takeOut(counts: number[], order: readonly number[], tooMany: number): void {
  let left = tooMany;
  for (const index of order) {
    const taken = Math.min(left, counts[index]!);
    counts[index]! -= taken;
    left -= taken;
  }
}

/** Offers of which there are any. */
export function dearestFirst({ costs }: FunctionPlan, counts: Counts): number[] {
  return present(counts).sort((a, b) => costs[b]! - costs[a]! || a - b);
}
