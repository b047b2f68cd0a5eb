import { type Threading, threadRule } from '../../../models/engines/engine.ts';
import { isWhole } from '../../../profiles/lookup.ts';
import type { ThreadChoice } from '../../../profiles/table.ts';

/** Another threading must be faster than the default by so much, or noise would choose. */
const LEAST_GAIN = 0.05;
/** Spinning burns CPU that others could have: it must be worth it. */
const LEAST_GAIN_OF_SPINNING = 0.1;

/**
 * The quotas whose threads are worth trying: with one core or less there is but one thread and no one to spin
 * for. Fractions make whole threads too many or too few; with whole cores spinning may pay. Of each sort the
 * smallest and the largest are tried; those between go by the nearer one.
 */
export function quotasToTry(cpuMillicores: readonly number[]): readonly number[] {
  const shared = cpuMillicores.filter((quota) => quota > 1000).sort((a, b) => a - b);
  const whole = shared.filter(isWhole);
  const fractions = shared.filter((quota) => !isWhole(quota));
  const ends = [whole, fractions].flatMap((sort) => [sort[0], sort.at(-1)]);
  return [...new Set(ends.filter((quota) => quota !== undefined))].sort((a, b) => a - b);
}

/** What is tried under a quota, the default first. */
export function candidatesFor(cpuMillicores: number): readonly Threading[] {
  const usual = threadRule(cpuMillicores);
  const fewer = { threads: Math.floor(cpuMillicores / 1000), spinning: false };
  return isWhole(cpuMillicores) ? [usual, { ...usual, spinning: true }] : [usual, fewer];
}

/** The winner of trials, the default first among them. */
export function winnerOf(trials: ThreadChoice['trials']): Threading {
  const usual = trials[0]!;
  const best = trials.reduce((winner, trial) => {
    const least = trial.spinning ? LEAST_GAIN_OF_SPINNING : LEAST_GAIN;
    const isWorthIt = trial === usual || trial.meanMs < usual.meanMs * (1 - least);
    return isWorthIt && trial.meanMs < winner.meanMs ? trial : winner;
  }, usual);
  return { threads: best.threads, spinning: best.spinning };
}
