import type { FunctionPool, Member } from './function-pool.ts';
import { idealSet, withoutSet } from './ideal-set.ts';

/** Takes those instances out of a pool that it can do without, and returns them. */
export function scaleIn(pool: FunctionPool): Member[] {
  const released: Member[] = [];
  for (const member of inOrderOfRelease(pool)) {
    if (!pool.canRelease(member)) continue;
    pool.remove(member);
    released.push(member);
  }
  return released;
}

/**
 * Ready instances in the order in which they should go: dead weight, then those that would not be there were the pool
 * made anew, then the dearest. Were price all that counted, a replacement that does alone what several did before would
 * be the first to go.
 */
function inOrderOfRelease(pool: FunctionPool): Member[] {
  const useful = pool.useful.filter(({ ready }) => ready).toSorted((a, b) => b.price - a.price);
  const deadWeight = pool.deadWeight.filter(({ ready }) => ready);
  const isUniform = useful.every(({ candidate }) => candidate === useful[0]!.candidate);
  const ideal =
    isUniform || !useful.some((member) => pool.canRelease(member)) ? [] : idealSet(pool, pool.price);
  const surplus = new Set(withoutSet(useful, ({ candidate }) => candidate, ideal ?? []));
  return [...deadWeight, ...surplus, ...useful.filter((member) => !surplus.has(member))];
}
