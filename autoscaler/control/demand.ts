/** Length of the buckets in which arrivals are counted. */
const BUCKET_MS = 500;
/** Window of the current rate: long enough that chance is small, short enough to follow a rise. */
const RATE_WINDOW_MS = 4_000;
/** Gaps that the running CV remembers. */
const GAP_MEMORY = 300;
const FEWEST_GAPS = 50;
/** The CV moves the plan only in steps. */
const CV_STEP = 0.5;

export interface DemandSnapshot {
  /** Requests per second over the last seconds. */
  readonly currentPerSecond: number;
  /** What the next `leadMs` will bring: the current rate, plus its trend where it rises. */
  readonly ratePerSecond: number;
  /** Highest current rate of the past `memoryMs`. */
  readonly recentRatePerSecond: number;
  readonly arrivalCv: number;
  /** Undefined before the first arrival. */
  readonly lastArrivalMs: number | undefined;
}

export interface DemandOptions {
  /** How far back the highest rate counts when capacity is given up. */
  readonly memoryMs: number;
}

/** Measures one function's arrivals: O(1) a request, a few hundred numbers in all. Times come from the caller's clock. */
export class Demand {
  readonly #counts: Float64Array;
  #bucket = Number.NEGATIVE_INFINITY;
  #firstBucket = Number.NEGATIVE_INFINITY;
  #lastArrivalMs: number | undefined;
  #gaps = 0;
  #meanGapMs = 0;
  #meanSquareMs2 = 0;

  constructor(options: DemandOptions) {
    this.#counts = new Float64Array(Math.ceil((options.memoryMs + 2 * RATE_WINDOW_MS) / BUCKET_MS));
  }

  observe(nowMs: number): void {
    this.#moveTo(nowMs);
    const place = this.#bucket % this.#counts.length;
    this.#counts[place] = this.#counts[place]! + 1;
    if (this.#lastArrivalMs !== undefined) this.#observeGap(nowMs - this.#lastArrivalMs);
    this.#lastArrivalMs = nowMs;
  }

  /** @param leadMs how far ahead capacity has to be ordered: the start-up time of an instance */
  snapshot(nowMs: number, leadMs: number): DemandSnapshot {
    if (this.#lastArrivalMs === undefined) {
      return {
        currentPerSecond: 0,
        ratePerSecond: 0,
        recentRatePerSecond: 0,
        arrivalCv: 1,
        lastArrivalMs: undefined,
      };
    }
    this.#moveTo(nowMs);
    const span = RATE_WINDOW_MS / BUCKET_MS;
    const current = this.#rateOf(0, span, nowMs);
    const before = this.#rateOf(span, span, nowMs);
    const risePerMs = Math.max(0, current - before) / RATE_WINDOW_MS;
    // The window's rate is that of its middle: half a window ago.
    const ratePerSecond = current + significant(risePerMs * (leadMs + RATE_WINDOW_MS / 2), current);
    let recentRatePerSecond = ratePerSecond;
    for (let back = 1; back + span < this.#counts.length; back += 1) {
      recentRatePerSecond = Math.max(recentRatePerSecond, this.#rateOf(back, span, nowMs));
    }
    return {
      currentPerSecond: current,
      ratePerSecond,
      recentRatePerSecond,
      arrivalCv: this.#arrivalCv(),
      lastArrivalMs: this.#lastArrivalMs,
    };
  }

  /** Rate over `span` buckets that end `back` buckets ago; the one that is filling now counts by its share. */
  #rateOf(back: number, span: number, nowMs: number): number {
    let count = 0;
    for (let offset = back; offset <= back + span; offset += 1) count += this.#countAt(this.#bucket - offset);
    const fillingMs = back === 0 ? nowMs - this.#bucket * BUCKET_MS : BUCKET_MS;
    const knownMs = nowMs - this.#firstBucket * BUCKET_MS - back * BUCKET_MS;
    const coveredMs = Math.min(span * BUCKET_MS + fillingMs, Math.max(BUCKET_MS, knownMs));
    return (count * 1000) / coveredMs;
  }

  #countAt(bucket: number): number {
    if (bucket < this.#firstBucket || bucket <= this.#bucket - this.#counts.length) return 0;
    return this.#counts[bucket % this.#counts.length]!;
  }

  #moveTo(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    if (this.#firstBucket === Number.NEGATIVE_INFINITY) this.#firstBucket = bucket;
    const from = Math.max(this.#bucket + 1, bucket - this.#counts.length + 1);
    for (let empty = from; empty <= bucket; empty += 1) this.#counts[empty % this.#counts.length] = 0;
    this.#bucket = Math.max(this.#bucket, bucket);
  }

  /** Exponentially weighted moments of the gaps, plain means at first. */
  #observeGap(gapMs: number): void {
    this.#gaps += 1;
    const weight = Math.max(1 / GAP_MEMORY, 1 / this.#gaps);
    this.#meanGapMs += weight * (gapMs - this.#meanGapMs);
    this.#meanSquareMs2 += weight * (gapMs * gapMs - this.#meanSquareMs2);
  }

  /** Never below 1: calmer arrivals than Poisson's are not relied upon. */
  #arrivalCv(): number {
    if (this.#gaps < FEWEST_GAPS || this.#meanGapMs === 0) return 1;
    const variance = Math.max(0, this.#meanSquareMs2 - this.#meanGapMs ** 2);
    const cv = Math.sqrt(variance) / this.#meanGapMs;
    return Math.max(1, Math.floor(cv / CV_STEP + 0.4) * CV_STEP);
  }
}

/** A rise that chance alone would often show (two standard deviations of a Poisson count) is no trend. */
function significant(rise: number, ratePerSecond: number): number {
  const noise = 2 * Math.sqrt(ratePerSecond / (RATE_WINDOW_MS / 1000));
  return rise > noise ? rise : 0;
}
