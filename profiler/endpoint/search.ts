import type { Verdict } from './trial-rule.ts';

/**
 * `scout`: quick, to find where trials are worth their time. `full`: long enough for the stated confidence.
 */
export type TrialKind = 'scout' | 'full';

/** Tries a rate; undefined where it was cut short: the search then ends with what it has. */
export type TryRate = (ratePerSecond: number, kind: TrialKind) => Promise<Verdict | undefined>;

export interface SearchLimits {
  readonly startRate: number;
  /** Rates below are not looked at. */
  readonly minRate: number;
  /** Rates above neither; reached, the capacity is at least this. */
  readonly maxRate: number;
  /** Ends when the rate that held and the one that did not are this close: 0.05 = 5 %. */
  readonly tolerance: number;
}

export interface SearchResult {
  /** The highest rate of a full trial at which the SLO held; null where none did. */
  readonly heldRate: number | null;
  /** The lowest rate at which it was not shown to hold; null where it held up to `maxRate`. */
  readonly missedRate: number | null;
  /** `found`: both are known and close. `none`: it does not hold even at `minRate`. */
  readonly ended: 'found' | 'at-max-rate' | 'none' | 'cut-short';
}

/**
 * Looks for the highest rate at which the SLO holds: doubles (or halves) it with quick scouts until one on
 * either side is known, then halves the distance by full trials, on a logarithmic scale. What it returns has
 * held in a full trial: were the scouts too hopeful, it goes below what they said.
 */
export async function searchRate(tryRate: TryRate, limits: SearchLimits): Promise<SearchResult> {
  const { minRate, maxRate, tolerance } = limits;
  let held: number | null = null;
  let missed: number | null = null;
  const result = (ended: SearchResult['ended']): SearchResult => ({
    heldRate: held,
    missedRate: missed,
    ended,
  });

  let hoped: number | null = null;
  for (let rate = Math.min(limits.startRate, maxRate); ; ) {
    const verdict = await tryRate(rate, 'scout');
    if (verdict === undefined) return result('cut-short');
    if (verdict === 'held') hoped = rate;
    else missed = rate;
    if (hoped !== null && (missed !== null || hoped === maxRate)) break;
    if (hoped === null && rate <= minRate) return result('none');
    rate = hoped === null ? Math.max(rate / 2, minRate) : Math.min(rate * 2, maxRate);
  }

  let low = hoped;
  for (;;) {
    const rate = nextRate(low, missed, held, tolerance);
    if (rate === undefined) return result(missed === null ? 'at-max-rate' : 'found');
    const verdict = await tryRate(rate, 'full');
    if (verdict === undefined) return result('cut-short');
    if (verdict === 'held') {
      held = rate;
      low = rate;
    } else {
      if (rate <= minRate) return { ...result('none'), missedRate: rate };
      missed = rate;
      if (rate <= low) low = Math.max(rate / 2, minRate);
    }
  }
}

/**
 * The middle while they are far apart, then the lower one if it only was hoped for; undefined when all is
 * known.
 */
function nextRate(
  low: number,
  missed: number | null,
  held: number | null,
  tolerance: number,
): number | undefined {
  if (missed !== null && missed > low * (1 + tolerance)) return Math.sqrt(low * missed);
  return held === low ? undefined : low;
}
