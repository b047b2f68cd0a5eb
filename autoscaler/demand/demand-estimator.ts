import { ArrivalVariability } from './arrival-variability.ts';
import { ArrivalCounts, BUCKET_MS, type Stretch } from './arrivals.ts';
import { estimateRate, LONGEST_WINDOW_MS, type RateEstimate, RecentHigh } from './rate-estimate.ts';
import { RiseReserve } from './rise-reserve.ts';

/** A trend is looked for over two windows of so long. */
const TREND_WINDOW_MS = 4_000;
const WINDOW = TREND_WINDOW_MS / BUCKET_MS;
/** What chance does more seldom than by so many standard deviations is believed. */
const FIRM = 3;

export interface DemandSnapshot {
  /** Requests per second, as long as they have not changed. */
  readonly currentPerSecond: number;
  /**
   * What the next `leadMs` may bring: the current rate, plus a standard deviation, by which chance may have
   * made it too low, plus its trend where it rises or, if that is more, what it has been found to rise by
   * without warning.
   */
  readonly ratePerSecond: number;
  /** Highest of the past `memoryMs`, likewise; Infinity while less than that is known. */
  readonly recentRatePerSecond: number;
  readonly arrivalCv: number;
  /** Undefined before the first arrival. */
  readonly lastArrivalMs: number | undefined;
}

export interface DemandOptions {
  /** When measuring begins; of what was before, nothing is assumed. */
  readonly sinceMs: number;
  /** Percentile of the SLO: a share of the requests beyond may find no room when the rate rises. */
  readonly percentile: number;
}

type SeenNow = Omit<DemandSnapshot, 'recentRatePerSecond'>;

/** How far ahead and how far back it matters what the rate is. */
export interface DemandHorizon {
  /** How far ahead capacity has to be ordered: from seeing that it lacks until an instance is ready. */
  readonly leadMs: number;
  /** How far back the highest rate counts when capacity is given up. */
  readonly memoryMs: number;
}

/** Capacity that is exactly enough has no room for an instance that is on its way while the rate drifts. */
const LEAST_RESERVE = 1.02;

/**
 * Of what may be late, so much may be because the rate rose; the rest is left to chance and to the batches.
 */
const SHARE_FOR_RISES = 0.9;

/**
 * Measures one function's arrivals: O(1) a request, a few hundred numbers in all. Times come from the
 * caller's clock.
 *
 * What is learnt of how rates rise, and what the highest was, comes of {@link advanceTo}: the control loop
 * is the only caller. Everything else reads: what was seen then, or what would be seen now.
 */
export class DemandEstimator {
  readonly #sinceMs: number;
  readonly #counts: ArrivalCounts;
  readonly #variability = new ArrivalVariability();
  readonly #reserve: RiseReserve;
  readonly #highs = new RecentHigh();
  #lastArrivalMs: number | undefined;
  #current: DemandSnapshot;

  constructor({ sinceMs, percentile }: DemandOptions) {
    this.#sinceMs = sinceMs;
    this.#counts = new ArrivalCounts(LONGEST_WINDOW_MS, sinceMs);
    this.#reserve = new RiseReserve(SHARE_FOR_RISES * (1 - percentile / 100), sinceMs);
    this.#current = {
      currentPerSecond: 0,
      ratePerSecond: 0,
      recentRatePerSecond: Infinity,
      arrivalCv: this.#variability.cv,
      lastArrivalMs: undefined,
    };
  }

  observe(nowMs: number): void {
    this.#counts.add(nowMs);
    this.#variability.observe(nowMs);
    this.#lastArrivalMs = nowMs;
  }

  /**
   * Takes back an arrival of then: the request turned out to be wrong by itself. Rates no longer hold it; how
   * bursty arrivals are still does, and what was learnt of it before.
   */
  withdraw(atMs: number): void {
    this.#counts.remove(atMs);
  }

  /** Looks at what has come until now, and learns from it. */
  advanceTo(nowMs: number, horizon: DemandHorizon): DemandSnapshot {
    this.#variability.fade(nowMs);
    const { cv } = this.#variability;
    const now = estimateRate(this.#counts, nowMs, cv);
    const certain = Math.max(now.ratePerSecond - FIRM * now.deviation, now.risenToPerSecond);
    this.#reserve.observe(nowMs, now.ratePerSecond, certain, horizon.leadMs);
    const seen = this.#seen(now, nowMs, cv, horizon);
    this.#highs.note(nowMs, seen.ratePerSecond);
    this.#highs.forgetBefore(nowMs - horizon.memoryMs);
    this.#current = this.#withRecent(seen, nowMs, horizon);
    return this.#current;
  }

  /** What was seen when it was looked at last. */
  get current(): DemandSnapshot {
    return this.#current;
  }

  /** What would be seen at a time since then; nothing changes. */
  at(nowMs: number, horizon: DemandHorizon): DemandSnapshot {
    const cv = this.#variability.cvAt(nowMs);
    const seen = this.#seen(estimateRate(this.#counts, nowMs, cv), nowMs, cv, horizon);
    return this.#withRecent(seen, nowMs, horizon);
  }

  #seen(now: RateEstimate, nowMs: number, cv: number, { leadMs }: DemandHorizon): SeenNow {
    const expected = expectedOf(now);
    return {
      currentPerSecond: now.ratePerSecond,
      ratePerSecond: Math.max(
        expected * Math.max(LEAST_RESERVE, this.#reserve.factor),
        expected + this.#riseWithin(nowMs, leadMs, cv),
      ),
      arrivalCv: cv,
      lastArrivalMs: this.#lastArrivalMs,
    };
  }

  #withRecent(seen: SeenNow, nowMs: number, { memoryMs }: DemandHorizon): DemandSnapshot {
    const isKnown = nowMs - this.#sinceMs >= memoryMs;
    const highest = Math.max(seen.ratePerSecond, this.#highs.since(nowMs - memoryMs));
    return { ...seen, recentRatePerSecond: isKnown ? highest : Infinity };
  }

  /**
   * What a steadily rising rate will have risen by in `leadMs`, at most to the double: as steep as the least
   * steep of its rises over three windows and within the last. So a jump, which is over when it is seen, is
   * not taken for a slope.
   */
  #riseWithin(nowMs: number, leadMs: number, cv: number): number {
    const window = (back: number): Stretch => ({ skip: back * WINDOW, buckets: WINDOW });
    if (!this.#counts.knows(nowMs, window(2))) return 0;
    const current = this.#counts.rateUntil(nowMs, WINDOW);
    const previous = this.#counts.rateOver(nowMs, window(1));
    if (current - previous < FIRM * deviationOf(current + previous, cv)) return 0;
    const half = WINDOW / 2;
    const rises = [
      current - previous,
      previous - this.#counts.rateOver(nowMs, window(2)),
      2 * (this.#counts.rateUntil(nowMs, half) - this.#counts.rateOver(nowMs, { skip: half, buckets: half })),
    ];
    const risePerMs = Math.max(0, Math.min(...rises)) / TREND_WINDOW_MS;
    // A window's rate is that of its middle: half a window ago.
    return Math.min(current, risePerMs * (leadMs + TREND_WINDOW_MS / 2));
  }
}

/** How far chance moves a rate that is measured over a trend's window. */
function deviationOf(ratePerSecond: number, cv: number): number {
  return cv * Math.sqrt(ratePerSecond / (TREND_WINDOW_MS / 1000));
}

/** What chance may have made too low is taken to be a standard deviation higher. */
function expectedOf({ ratePerSecond, deviation, risenToPerSecond }: RateEstimate): number {
  return Math.max(ratePerSecond + deviation, risenToPerSecond);
}
