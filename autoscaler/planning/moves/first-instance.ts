import { CPU, ZERO } from '../../../models/base/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { Misfits } from '../placement/misfits.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';
import { missingOf, type Target } from '../targets/targets.ts';
import { fallbackOffers } from './fair-share.ts';
import type { Reservations } from './reservations.ts';
import { canGive, fewestVictims, lentTo, type Preemption, stopAll, type Victim } from './victims.ts';

/** Offers that room is looked for beside the target's, the best first, before any that needs less will do. */
const MOST_OFFERS = 8;

/**
 * Makes room for a first instance of functions that have requests and nothing at all, and have found nothing
 * free: others give way that have more than they must. Whatever config it is, in time or not, the function is
 * served, and something is learnt of how long its batches take.
 */
export function preemptForFirst(
  poor: readonly { readonly plan: FunctionPlan; readonly target: Target }[],
  plans: readonly FunctionPlan[],
  room: Reservations,
): void {
  const unhelped = new Misfits();
  for (const { plan, target } of poor) {
    const candidates = plan.offers.smallest.filter((each) => !unhelped.has(plan.site, each));
    if (candidates.length === 0) continue;
    const preemption = preemptionFor(plan, target, candidates, plans, room);
    if (preemption === undefined) for (const each of candidates) unhelped.add(plan.site, each);
    else carryOut(plan, preemption, room);
  }
}

function preemptionFor(
  plan: FunctionPlan,
  target: Target,
  smallest: readonly Candidate[],
  plans: readonly FunctionPlan[],
  room: Reservations,
): Preemption | undefined {
  const mayGo = (victims: readonly Victim[]): boolean => canGive(victims, plan);
  const lent = lentTo(plan, plans).filter((victim) => mayGo([victim]));
  if (lent.length === 0) return undefined;
  const wants = missingOf(plan, target).map(({ index }) => index);
  const best = [...new Set([...wants, ...fallbackOffers(plan).slice(0, MOST_OFFERS)])];
  const candidates = best.map((index) => plan.offer(index).candidate);
  const found = fewestVictims({ room, plan, candidates }, lent, { mayGo });
  if (found !== undefined) return found;
  for (const victims of inSomeOrders(lent)) {
    const preemption = fewestVictims({ room, plan, candidates: smallest }, victims, { mayGo });
    if (preemption !== undefined) return preemption;
  }
  return undefined;
}

function carryOut(plan: FunctionPlan, { candidate, victims }: Preemption, room: Reservations): void {
  const needed = withoutIdle(victims, (some) => {
    const leaving = some.map(({ instance }) => instance);
    return room.roomWithout(leaving, leaving[0]!.node, plan.site, candidate) > 0;
  });
  stopAll(needed, plan, room);
  const index = plan.offers.all.findIndex((offer) => offer.candidate === candidate);
  if (index >= 0) room.reserve(plan, index, 1);
  else room.reserveFallback(plan, candidate);
}

/**
 * Of one owner only so many may go: which of them make room depends on what there is too little of, and on
 * which GPU.
 */
function inSomeOrders(victims: readonly Victim[]): (readonly Victim[])[] {
  const largestFirst = ZERO.map((_, index) =>
    victims.toSorted((a, b) => b.instance.needs[index]! - a.instance.needs[index]!),
  );
  const byCpu = largestFirst[CPU]!;
  const gpus = new Set(victims.flatMap(({ instance }) => instance.gpu ?? []));
  const isOn = (gpu: number, { instance }: Victim): number => Number(instance.gpu === gpu);
  const byGpu = [...gpus].map((gpu) => byCpu.toSorted((a, b) => isOn(gpu, b) - isOn(gpu, a)));
  return [victims, ...largestFirst, ...byGpu];
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
