import { candidatesOf, type FunctionPool } from './function-pool.ts';
import { idealSet, withoutSet } from './ideal-set.ts';
import type { Candidate } from './model.ts';
import type { NodeLedger, Spot } from './node-ledger.ts';

/** A replacement of what runs has to save this share of its price: a cold start is not free. */
const REPLACEMENT_SAVING = 0.3;

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
  const missing = withoutSet(ideal, (candidate) => candidate, candidatesOf(useful));
  if (useful.length + missing.length > demand.maxInstances) return [];
  return placeAll(missing, ledger) ?? [];
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
