/** Length of the buckets in which arrivals are counted. */
export const BUCKET_MS = 500;

/** A stretch of the past: so many whole buckets, ending `skip` buckets before the one that is filling now. */
export interface Stretch {
  readonly skip: number;
  readonly buckets: number;
}

/** Counts arrivals in buckets, as far back as it is asked to; the count of any stretch is one subtraction. */
export class ArrivalCounts {
  /** Arrivals up to the end of each bucket, since counting began. */
  readonly #totals: Float64Array;
  readonly #sinceMs: number;
  #bucket: number;
  #total = 0;

  /** @param sinceMs when counting begins: of what was before, nothing is known */
  constructor(memoryMs: number, sinceMs: number) {
    // A power of two, so that a bucket's place is some of its bits, and one bucket more than the memory to count from.
    this.#totals = new Float64Array(2 ** Math.ceil(Math.log2(memoryMs / BUCKET_MS + 3)));
    this.#sinceMs = sinceMs;
    this.#bucket = Math.floor(sinceMs / BUCKET_MS);
  }

  add(nowMs: number): void {
    this.moveTo(nowMs);
    this.#total += 1;
    this.#totals[this.#place(this.#bucket)] = this.#total;
  }

  /** Call it with the present before asking for rates. */
  moveTo(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const firstEmpty = Math.max(this.#bucket + 1, bucket - this.#totals.length + 1);
    for (let empty = firstEmpty; empty <= bucket; empty += 1) this.#totals[this.#place(empty)] = this.#total;
    this.#bucket = Math.max(this.#bucket, bucket);
  }

  /** Whether counting had begun before the stretch did. */
  knows(stretch: Stretch): boolean {
    return this.#startOf(stretch) >= this.#sinceMs;
  }

  /** Requests per second over a stretch of whole buckets, or over the part of it that is known. */
  rateOver(stretch: Stretch): number {
    const endMs = (this.#bucket - stretch.skip) * BUCKET_MS;
    return perSecond(this.#countIn(stretch), endMs - Math.max(this.#startOf(stretch), this.#sinceMs));
  }

  /** Requests per second over the last buckets and the one that is filling. */
  rateUntil(nowMs: number, buckets: number): number {
    const stretch = { skip: 0, buckets };
    const count = this.#total - this.#totalAt(this.#bucket - buckets - 1);
    return perSecond(count, nowMs - Math.max(this.#startOf(stretch), this.#sinceMs));
  }

  #countIn({ skip, buckets }: Stretch): number {
    return this.#totalAt(this.#bucket - skip - 1) - this.#totalAt(this.#bucket - skip - buckets - 1);
  }

  #totalAt(bucket: number): number {
    return this.#totals[this.#place(bucket)]!;
  }

  #startOf({ skip, buckets }: Stretch): number {
    return (this.#bucket - skip - buckets) * BUCKET_MS;
  }

  #place(bucket: number): number {
    return bucket & (this.#totals.length - 1);
  }
}

/** What is known of less than a bucket's time is taken as a whole bucket's: a first request is not yet a flood. */
function perSecond(count: number, overMs: number): number {
  return (count * 1000) / Math.max(BUCKET_MS, overMs);
}

/** What the running CV remembers: so much of the past, but at least so many gaps. */
const MEMORY_MS = 30_000;
const GAP_MEMORY = 300;
const FEWEST_GAPS = 50;
/** A longer gap is a pause: it says something of the rate, nothing of how bursty the arrivals are. */
export const LONGEST_GAP_MS = 4_000;
/**
 * While nothing arrives, what was seen of earlier arrivals counts half as much after so long: bursts that come from one
 * client, or one job of many, have no more to say once it has been gone for some such times.
 */
const HALF_LIFE_MS = 10 * 60_000;
/** The CV moves the plan only in steps, and only when it has clearly left the present one. */
const STEP = 0.5;
const FIRM = 0.7 * STEP;

/** Coefficient of variation of the times between arrivals: 1 for a Poisson stream, more where they come in bursts. */
export class ArrivalVariability {
  #lastArrivalMs: number | undefined;
  #fadedUntilMs = 0;
  /** How many speak. Those of which a pause has left less count less than one each. */
  #gaps = 0;
  #meanGapMs = 0;
  #meanSquareMs2 = 0;
  #cv = 1;

  /** In steps; never below 1: calmer arrivals than Poisson's are not relied upon. */
  get cv(): number {
    return this.#cv;
  }

  observe(nowMs: number): void {
    const lastMs = this.#lastArrivalMs;
    this.fade(nowMs);
    this.#lastArrivalMs = nowMs;
    this.#fadedUntilMs = nowMs;
    if (lastMs === undefined || nowMs - lastMs > LONGEST_GAP_MS) return;
    const gapMs = nowMs - lastMs;
    this.#gaps += 1;
    const weight = 1 / Math.min(this.#gaps, this.#memory); // plain means at first
    this.#meanGapMs += weight * (gapMs - this.#meanGapMs);
    this.#meanSquareMs2 += weight * (gapMs * gapMs - this.#meanSquareMs2);
    if (this.#gaps >= FEWEST_GAPS && this.#meanGapMs > 0) this.#follow();
  }

  /** Lets what was learnt fade until now, if nothing has arrived for longer than a gap. */
  fade(nowMs: number): void {
    if (nowMs - (this.#lastArrivalMs ?? nowMs) <= LONGEST_GAP_MS) return;
    const share = 2 ** ((this.#fadedUntilMs - nowMs) / HALF_LIFE_MS);
    this.#fadedUntilMs = nowMs;
    const poisson = 2 * this.#meanGapMs ** 2;
    this.#meanSquareMs2 = poisson + share * (this.#meanSquareMs2 - poisson);
    this.#gaps = Math.min(this.#gaps, this.#memory) * share;
    if (this.#cv > 1) this.#follow();
  }

  /** How many gaps are remembered. */
  get #memory(): number {
    return Math.max(GAP_MEMORY, MEMORY_MS / this.#meanGapMs);
  }

  #follow(): void {
    const variance = Math.max(0, this.#meanSquareMs2 - this.#meanGapMs ** 2);
    const cv = Math.max(1, Math.sqrt(variance) / this.#meanGapMs);
    if (Math.abs(cv - this.#cv) > FIRM) this.#cv = Math.round(cv / STEP) * STEP;
  }
}
