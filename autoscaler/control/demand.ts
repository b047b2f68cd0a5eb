import { ArrivalCounts, BUCKET_MS } from './arrival-counts.ts';
import { ArrivalVariability } from './arrival-variability.ts';

/** Window of the current rate: long enough that chance is small, short enough to follow a rise. */
const RATE_WINDOW_MS = 4_000;
const WINDOW = RATE_WINDOW_MS / BUCKET_MS;
/** Window in which a jump of the rate shows first. */
const JUMP_WINDOW_MS = 1_000;
/** What chance does more seldom than by so many standard deviations is believed. */
const FIRM = 3;

export interface DemandSnapshot {
  /** Requests per second over the last seconds. */
  readonly currentPerSecond: number;
  /**
   * What the next `leadMs` will bring: the current rate, plus its trend where it rises, plus a standard deviation, by which
   * chance may have made the measured rate too low.
   */
  readonly ratePerSecond: number;
  /** Highest of the past `memoryMs`, likewise; Infinity while less than that is known. */
  readonly recentRatePerSecond: number;
  readonly arrivalCv: number;
  /** Undefined before the first arrival. */
  readonly lastArrivalMs: number | undefined;
}

export interface DemandOptions {
  /** How far back the highest rate counts when capacity is given up. */
  readonly memoryMs: number;
  /** When measuring begins; of what was before, nothing is assumed. */
  readonly sinceMs: number;
}

/** Measures one function's arrivals: O(1) a request, a few hundred numbers in all. Times come from the caller's clock. */
export class Demand {
  readonly #options: DemandOptions;
  readonly #counts: ArrivalCounts;
  readonly #variability = new ArrivalVariability();
  #lastArrivalMs: number | undefined;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#counts = new ArrivalCounts(options.memoryMs + 2 * RATE_WINDOW_MS, options.sinceMs);
  }

  observe(nowMs: number): void {
    this.#counts.add(nowMs);
    this.#variability.observe(nowMs);
    this.#lastArrivalMs = nowMs;
  }

  /** @param leadMs how far ahead capacity has to be ordered: the start-up time of an instance */
  snapshot(nowMs: number, leadMs: number): DemandSnapshot {
    this.#counts.moveTo(nowMs);
    const current = this.#counts.rateUntil(nowMs, WINDOW);
    const ratePerSecond = Math.max(current, this.#jumpedTo(nowMs)) + this.#riseWithin(nowMs, leadMs);
    return {
      currentPerSecond: current,
      ratePerSecond: this.#atMost(ratePerSecond),
      recentRatePerSecond: this.#atMost(this.#recent(nowMs, ratePerSecond)),
      arrivalCv: this.#variability.cv,
      lastArrivalMs: this.#lastArrivalMs,
    };
  }

  /** What the rate has at least come to, should it have jumped within the last second. */
  #jumpedTo(nowMs: number): number {
    const latest = this.#counts.rateUntil(nowMs, JUMP_WINDOW_MS / BUCKET_MS);
    return latest - FIRM * this.#deviation(latest, JUMP_WINDOW_MS);
  }

  /**
   * What a rising rate will have risen by in `leadMs`: as steep as over two windows, but no steeper than within the
   * last one, where a jump ends sooner; at most to the double.
   */
  #riseWithin(nowMs: number, leadMs: number): number {
    const before = { skip: WINDOW, buckets: WINDOW };
    if (!this.#counts.knows(before)) return 0;
    const current = this.#counts.rateUntil(nowMs, WINDOW);
    const previous = this.#counts.rateOver(before);
    if (current - previous < FIRM * this.#deviation(current + previous, RATE_WINDOW_MS)) return 0;
    const half = WINDOW / 2;
    const latestHalf = this.#counts.rateUntil(nowMs, half);
    const firstHalf = this.#counts.rateOver({ skip: half, buckets: half });
    const risePerMs = Math.max(
      0,
      Math.min((current - previous) / RATE_WINDOW_MS, (latestHalf - firstHalf) / (RATE_WINDOW_MS / 2)),
    );
    // A window's rate is that of its middle: half a window ago.
    return Math.min(current, risePerMs * (leadMs + RATE_WINDOW_MS / 2));
  }

  #recent(nowMs: number, ratePerSecond: number): number {
    const { memoryMs, sinceMs } = this.#options;
    if (nowMs - sinceMs < memoryMs) return Infinity;
    let highest = ratePerSecond;
    for (let skip = 0; skip * BUCKET_MS <= memoryMs; skip += 1) {
      highest = Math.max(highest, this.#counts.rateOver({ skip, buckets: WINDOW }));
    }
    return highest;
  }

  #atMost(ratePerSecond: number): number {
    return ratePerSecond + this.#deviation(ratePerSecond, RATE_WINDOW_MS);
  }

  /** How far chance moves a rate that is measured over a window. */
  #deviation(ratePerSecond: number, windowMs: number): number {
    return this.#variability.cv * Math.sqrt(ratePerSecond / (windowMs / 1000));
  }
}
