import { includes } from '../../cluster/eligible-nodes.ts';
import type { PlacedInstance } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { compareCoverage, type FunctionPlan, levelOf } from '../targets/function-plan.ts';
import { sizeOf } from '../targets/offer.ts';
import type { Reservations } from './reservations.ts';

/** Bounds the work of one search. */
const MOST_NODES = 64;

/**
 * What may have to go: an instance, whose it is, and by which of its offers; undefined for obsolete
 * instances.
 */
export interface Victim {
  readonly owner: FunctionPlan;
  readonly index: number | undefined;
  readonly instance: PlacedInstance;
}

/** Of victims: whether they may go, and whether so much room is worth it. */
export interface Conditions {
  readonly mayGo?: (victims: readonly Victim[]) => boolean;
  readonly isWorth?: (victims: readonly Victim[], room: number) => boolean;
}

/** Victims, and what there is room for without them. */
export interface Preemption {
  readonly candidate: Candidate;
  readonly victims: readonly Victim[];
}

/** Ready instances of others, of the best off first, and of one function the dearest. */
export function lentTo(needy: FunctionPlan, plans: readonly FunctionPlan[]): Victim[] {
  if (needy.demand.ratePerSecond === 0) return [];
  return plans
    .filter((owner) => owner !== needy)
    .toSorted((a, b) => compareCoverage(b, a))
    .flatMap((owner) => [
      ...owner.obsolete.map((instance) => ({ owner, index: undefined, instance })),
      ...owner.readyCounts.flatMap((_, index) =>
        owner.readyOf(index).map((instance) => ({ owner, index, instance })),
      ),
    ]);
}

/**
 * Whether everybody, without what is taken, is clearly better off with what is ready than who needs it is
 * now.
 */
export function canGive(victims: readonly Victim[], needy: FunctionPlan): boolean {
  return ownersOf(victims).every((owner) => {
    if (owner === needy) return true;
    const left = readyWithout(owner, victims);
    const { minInstances, recentRatePerSecond } = owner.demand;
    const isAsked = recentRatePerSecond > 0;
    if (victims.every((victim) => victim.owner !== owner || victim.index === undefined))
      return !isAsked || sizeOf(left) > 0 || servingObsolete(owner, victims) > 0;
    if (sizeOf(left) < Math.max(minInstances, isAsked ? 1 : 0)) return false;
    return levelOf(owner.coverageOf(owner.offers.capacity(left))) > levelOf(needy.coverage);
  });
}

/** By offer: what of a function is ready and not among the victims. */
export function readyWithout(owner: FunctionPlan, victims: readonly Victim[]): number[] {
  const ready = [...owner.readyCounts];
  for (const { owner: other, index } of victims) {
    if (other === owner && index !== undefined) ready[index]! -= 1;
  }
  return ready;
}

export function ownersOf(victims: readonly Victim[]): FunctionPlan[] {
  return [...new Set(victims.map(({ owner }) => owner))];
}

/** Lets them go: there will be room for what a function needs. */
export function stopAll(victims: readonly Victim[], { demand }: FunctionPlan, room: Reservations): void {
  for (const { owner, index, instance } of victims) {
    room.leave(instance);
    if (index === undefined) owner.releaseObsolete(instance, 'preemption', demand.name);
    else owner.release(index, instance, 'preemption', demand.name);
  }
}

/** Obsolete instances may be all that serves its function. */
function servingObsolete(owner: FunctionPlan, victims: readonly Victim[]): number {
  const taken = new Set(victims.map(({ instance }) => instance));
  return owner.obsolete.filter((instance) => instance.ready && !taken.has(instance)).length;
}

/** The fewest victims on one node that make room for one of the candidates. */
export function fewestVictims(
  {
    room,
    plan,
    candidates,
  }: { readonly room: Reservations; readonly plan: FunctionPlan; readonly candidates: readonly Candidate[] },
  victims: readonly Victim[],
  { mayGo, isWorth }: Conditions = {},
): Preemption | undefined {
  let best: Preemption | undefined;
  const near = victims.filter(({ instance }) => includes(plan.site, instance.node));
  for (const [node, onNode] of byNode(near)) {
    const most = (best?.victims.length ?? Infinity) - 1;
    const taken: Victim[] = [];
    for (const victim of onNode) {
      if (taken.length >= most) break;
      if (mayGo !== undefined && !mayGo([...taken, victim])) continue;
      taken.push(victim);
      const leaving = taken.map(({ instance }) => instance);
      const candidate = candidates.find((each) => {
        const count = room.roomWithout(leaving, node, plan.site, each);
        return count > 0 && (isWorth?.(taken, count) ?? true);
      });
      if (candidate === undefined) continue;
      best = { candidate, victims: taken };
      break;
    }
  }
  return best;
}

function byNode(victims: readonly Victim[]): Map<string, Victim[]> {
  const groups = new Map<string, Victim[]>();
  for (const victim of victims) {
    const { node } = victim.instance;
    const group = groups.get(node);
    if (group !== undefined) group.push(victim);
    else if (groups.size < MOST_NODES) groups.set(node, [victim]);
  }
  return groups;
}
