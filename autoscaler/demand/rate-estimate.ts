import { type ArrivalCounts, BUCKET_MS } from './arrivals.ts';

/** Windows of the rate: each twice as long as the one before. */
const WINDOWS_MS = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000] as const;
export const LONGEST_WINDOW_MS = WINDOWS_MS.at(-1)!;
/**
 * A rate of a shorter window than this is not believed to be the rate as long as no longer one differs from
 * it.
 */
const FIRST = 1;
/** What chance does more seldom than by so many standard deviations is believed. */
const FIRM = 3;
/** With so many, a window shorter than the best may say that the rate has risen lately. */
const RISEN = 2;

export interface RateEstimate {
  /** Mean of the longest window throughout which the rate has not visibly changed, in requests per second. */
  readonly ratePerSecond: number;
  /** By how much chance may have moved that: one standard deviation. */
  readonly deviation: number;
  /**
   * At least so much is arriving by the latest, shorter windows, should the rate have risen within the
   * longest.
   */
  readonly risenToPerSecond: number;
}

/**
 * The rate from a window that adapts: as long as nothing changes, chance averages out over half a minute;
 * after a change, only what came since counts. After ADWIN (Bifet and Gavaldà, SDM'07), with windows that
 * double: the window grows as long as its two halves differ by no more than chance.
 *
 * @param cv coefficient of variation of the times between arrivals
 */
export function estimateRate(counts: ArrivalCounts, nowMs: number, cv: number): RateEstimate {
  const rates = WINDOWS_MS.map((windowMs) => counts.rateUntil(nowMs, windowMs / BUCKET_MS));
  const deviation = (ratePerSecond: number, windowMs: number): number =>
    cv * Math.sqrt(ratePerSecond / (windowMs / 1000));
  let best: number = FIRST;
  for (; best + 1 < WINDOWS_MS.length; best += 1) {
    const windowMs = WINDOWS_MS[best]!;
    const before = { skip: windowMs / BUCKET_MS, buckets: windowMs / BUCKET_MS };
    if (!counts.knows(nowMs, before)) break;
    const earlier = counts.rateOver(nowMs, before);
    if (Math.abs(rates[best]! - earlier) > FIRM * deviation(rates[best]! + earlier, windowMs)) break;
  }
  let risenToPerSecond = 0;
  for (let shorter = 0; shorter < best; shorter += 1) {
    const rate = rates[shorter]!;
    const certain = shorter === 0 ? FIRM : RISEN;
    risenToPerSecond = Math.max(risenToPerSecond, rate - certain * deviation(rate, WINDOWS_MS[shorter]!));
  }
  const ratePerSecond = rates[best]!;
  return { ratePerSecond, deviation: deviation(ratePerSecond, WINDOWS_MS[best]!), risenToPerSecond };
}

/** The highest of the values noted within a time that may differ from question to question. */
export class RecentHigh {
  /** Values that were higher than all that came after them, the oldest and highest first. */
  readonly #highs: { readonly atMs: number; readonly value: number }[] = [];

  note(nowMs: number, value: number): void {
    while (this.#highs.length > 0 && this.#highs.at(-1)!.value <= value) this.#highs.pop();
    this.#highs.push({ atMs: nowMs, value });
  }

  /** The highest noted since `sinceMs`; 0 for none. */
  since(sinceMs: number): number {
    return this.#highs[this.#firstSince(sinceMs)]?.value ?? 0;
  }

  /** Nothing older will be asked for. */
  forgetBefore(sinceMs: number): void {
    const first = this.#firstSince(sinceMs);
    if (first > 0) this.#highs.splice(0, first);
  }

  #firstSince(sinceMs: number): number {
    let first = 0;
    while (first < this.#highs.length && this.#highs[first]!.atMs < sinceMs) first += 1;
    return first;
  }
}
