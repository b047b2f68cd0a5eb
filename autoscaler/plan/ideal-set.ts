import { configKey } from '../../profiles/config.ts';
import { candidatesOf, efficiencyOf, type FunctionPool } from './function-pool.ts';
import type { Candidate } from './model.ts';
import { priceOf } from './price.ts';

/** Bounds the search: a function that needs more instances than this is scaled step by step. */
const LARGEST_IDEAL_SET = 64;

/**
 * The set that greedy choice finds from nothing for the recent past's highest rate; undefined when it costs more than
 * is affordable. It depends on the demand alone, so that it stays the same while the pool is being led to it.
 */
export function idealSet(pool: FunctionPool, affordable: number): Candidate[] | undefined {
  const { feasible, rates, slo, demand, fewest } = pool;
  const rate = Math.max(demand.ratePerSecond, demand.recentRatePerSecond);
  const most = Math.min(LARGEST_IDEAL_SET, demand.maxInstances);
  const current = candidatesOf(pool.useful);
  const set: Candidate[] = [];
  let price = 0;
  while (set.length < fewest || !rates.mayShrink([...current, ...set], set, rate, slo)) {
    const capacity = rates.capacityPerSecond(set, slo);
    const missing = Math.max(0, rate - capacity);
    const best = maxBy(feasible, (candidate) => {
      const gain = rates.capacityPerSecond([...set, candidate], slo) - capacity;
      return efficiencyOf(candidate, gain, missing);
    });
    if (best === undefined || set.length >= most) return undefined;
    set.push(best);
    price += priceOf(best.config);
    if (price > affordable) return undefined;
  }
  return set;
}

/** The items that remain when each candidate of `set` has taken away one of its config. */
export function withoutSet<T>(
  items: readonly T[],
  candidateOf: (item: T) => Candidate | undefined,
  set: readonly Candidate[],
): T[] {
  const left = new Map<string, number>();
  for (const { config } of set) left.set(configKey(config), (left.get(configKey(config)) ?? 0) + 1);
  return items.filter((item) => {
    const candidate = candidateOf(item);
    if (candidate === undefined) return true;
    const key = configKey(candidate.config);
    const count = left.get(key) ?? 0;
    left.set(key, count - 1);
    return count <= 0;
  });
}

/** The first of the greatest; undefined for none, or when nothing scores above zero. */
function maxBy<T>(items: readonly T[], score: (item: T) => number): T | undefined {
  let best: T | undefined;
  let bestScore = 0;
  for (const item of items) {
    const itemScore = score(item);
    if (itemScore > bestScore) [best, bestScore] = [item, itemScore];
  }
  return best;
}
