import { configKey } from '../../profiles/config.ts';
import { candidatesOf, efficiencyOf, type FunctionPool } from './function-pool.ts';
import type { Candidate } from './model.ts';
import type { NodeLedger, Spot } from './node-ledger.ts';
import { priceOf } from './price.ts';

/** A replacement of what runs has to save this share of its price: a cold start is not free. */
const REPLACEMENT_SAVING = 0.3;

/** Bounds the search for the ideal set: a function that needs more than this many instances is scaled step by step. */
const LARGEST_IDEAL_SET = 64;

export interface Choice {
  readonly candidate: Candidate;
  readonly spot: Spot;
}

/**
 * What to start beside a pool so that its dear instances can go once the new ones are ready, or nothing: where that
 * saves little, where it does not fit, and while the pool is on the move anyway.
 */
export function replacementOf(pool: FunctionPool, ledger: NodeLedger): Choice[] {
  const { useful, demand } = pool;
  const isSettled = useful.length > 0 && !pool.hasStarting && !pool.wantsMore && pool.deadWeight.length === 0;
  if (!isSettled || demand.recentRatePerSecond === Infinity) return [];
  const affordable = pool.price * (1 - REPLACEMENT_SAVING);
  const ideal = idealSet(pool, affordable);
  if (ideal === undefined) return [];
  const missing = missingFrom(candidatesOf(useful), ideal);
  if (useful.length + missing.length > demand.maxInstances) return [];
  return placeAll(missing, ledger) ?? [];
}

/** The set that greedy choice finds from nothing for the recent past's highest rate; undefined when it costs more. */
function idealSet(pool: FunctionPool, affordable: number): Candidate[] | undefined {
  const { feasible, rates, slo, demand, fewest } = pool;
  const rate = Math.max(demand.ratePerSecond, demand.recentRatePerSecond);
  const most = Math.min(LARGEST_IDEAL_SET, demand.maxInstances);
  const current = candidatesOf(pool.useful);
  const set: Candidate[] = [];
  let price = 0;
  while (set.length < fewest || !rates.mayShrink([...current, ...set], set, rate, slo)) {
    const capacity = rates.capacityPerSecond(set, slo);
    const missing = Math.max(0, rate - capacity);
    const best = maxBy(feasible, (candidate) => efficiencyOf(candidate, set, capacity, missing, rates, slo));
    if (best === undefined || set.length >= most) return undefined;
    set.push(best);
    price += priceOf(best.config);
    if (price > affordable) return undefined;
  }
  return set;
}

/** Those of a set that do not run yet. */
function missingFrom(running: readonly Candidate[], set: readonly Candidate[]): Candidate[] {
  const left = new Map<string, number>();
  for (const { config } of running) left.set(configKey(config), (left.get(configKey(config)) ?? 0) + 1);
  return set.filter(({ config }) => {
    const count = left.get(configKey(config)) ?? 0;
    left.set(configKey(config), count - 1);
    return count <= 0;
  });
}

/** A place for each, or undefined where they don't all fit. */
function placeAll(candidates: readonly Candidate[], ledger: NodeLedger): Choice[] | undefined {
  const trial = ledger.copy();
  const choices: Choice[] = [];
  for (const candidate of candidates) {
    const spot = trial.bestFit(candidate);
    if (spot === undefined) return undefined;
    trial.occupy({ ...spot, config: candidate.config, memoryBytes: candidate.memoryBytes });
    choices.push({ candidate, spot });
  }
  return choices;
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
