import { type ComparisonOptions, type PolicyTotals, totalsOf } from './compare.ts';
import type { FunctionArrivals } from './traces.ts';

const MINUTE_MS = 60_000;
/** Prices from a minute to a day, a fifth apart. */
const PRICES_MS: readonly number[] = Array.from({ length: 41 }, (_, step) => MINUTE_MS * 1440 ** (step / 40));

export interface Matched {
  readonly coldStartPriceSeconds: number;
  readonly totals: PolicyTotals;
}

/**
 * The tournament, with the lowest price of a cold start at which it has no larger share of them than a rival:
 * then idle times compare. Undefined if no price does it.
 */
export function matchColdStarts(
  rival: PolicyTotals,
  trace: readonly FunctionArrivals[],
  options: ComparisonOptions,
): Matched | undefined {
  let low = 0;
  let high = PRICES_MS.length;
  let matched: Matched | undefined;
  while (low < high) {
    const middle = (low + high) >> 1;
    const keepAliveMs = PRICES_MS[middle]!;
    const totals = totalsOf('tournament', trace, { ...options, keepAliveMs });
    if (totals.coldStartShare <= rival.coldStartShare) {
      matched = { coldStartPriceSeconds: keepAliveMs / 1000, totals };
      high = middle;
    } else low = middle + 1;
  }
  return matched;
}
