import type { Candidate } from '../model.ts';
import { compareCoverage, type FunctionPlan } from './function-plan.ts';
import { Misfits } from './misfits.ts';
import { resourcesOf } from './resources.ts';
import type { Room } from './room.ts';
import { canGive, fewestVictims, lentTo, stopAll, type Victim } from './victims.ts';

/**
 * A function that has requests and nothing at all gets one instance, of whatever config there may be a place for: in time
 * or not, it is served, and something is learnt of how long its batches take. Free room has been looked through by now:
 * others give way that have more than they must.
 */
export function startFirst(plans: readonly FunctionPlan[], room: Room): void {
  const left = plans.filter((plan) => plan.hasNothing && plan.demand.ratePerSecond > 0);
  const unhelped = new Misfits();
  for (const plan of left.sort(compareCoverage)) preemptFor(plan, plans, room, unhelped);
}

function preemptFor(plan: FunctionPlan, plans: readonly FunctionPlan[], room: Room, unhelped: Misfits): void {
  const candidates = plan.offers.smallest.filter((each) => !unhelped.has(plan.site, each));
  if (candidates.length === 0) return;
  const mayGo = (victims: readonly Victim[]): boolean => canGive(victims, plan);
  const lent = lentTo(plan, plans).filter((victim) => mayGo([victim]));
  for (const victims of inSomeOrders(lent)) {
    const found = fewestVictims({ room, plan, candidates }, victims, { mayGo });
    if (found === undefined) continue;
    const needed = withoutIdle(found.victims, (some) => makesRoom(some, found.candidate, plan, room));
    stopAll(needed, room);
    room.promiseFallback(plan, found.candidate);
    return;
  }
  for (const each of candidates) unhelped.add(plan.site, each);
}

/** Of one owner only so many may go: which of them make room depends on what there is too little of. */
function inSomeOrders(victims: readonly Victim[]): (readonly Victim[])[] {
  if (victims.length === 0) return [];
  const largest = (resource: 0 | 1 | 2): readonly Victim[] =>
    victims.toSorted((a, b) => resourcesOf(b.instance)[resource] - resourcesOf(a.instance)[resource]);
  return [victims, largest(0), largest(1), largest(2)];
}

/** Those without whom the others would be too few. */
function withoutIdle(
  victims: readonly Victim[],
  suffice: (some: readonly Victim[]) => boolean,
): readonly Victim[] {
  return victims.reduce<readonly Victim[]>((needed, victim) => {
    const rest = needed.filter((other) => other !== victim);
    return rest.length > 0 && suffice(rest) ? rest : needed;
  }, victims);
}

function makesRoom(
  victims: readonly Victim[],
  candidate: Candidate,
  { site }: FunctionPlan,
  room: Room,
): boolean {
  const leaving = victims.map(({ instance }) => instance);
  return room.roomWithout(leaving, leaving[0]!.node, site, candidate) > 0;
}
