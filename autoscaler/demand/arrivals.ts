/** Length of the buckets in which arrivals are counted. */
export const BUCKET_MS = 500;

/**
 * A stretch of the past: whole buckets, ending `skip` buckets before the one that is filling at the
 * time of the question.
 */
export interface Stretch {
  readonly skip: number;
  readonly buckets: number;
}

/**
 * Counts arrivals in buckets, as far back as it is asked to; the count of any stretch is one subtraction.
 * Questions change nothing: they tell when they are asked.
 */
export class ArrivalCounts {
  /** Arrivals up to the end of each bucket, since counting began. */
  readonly #totals: Float64Array;
  readonly #sinceMs: number;
  #bucket: number;
  #total = 0;

  /** @param sinceMs when counting begins: of what was before, nothing is known */
  constructor(memoryMs: number, sinceMs: number) {
    // A power of two, so that a bucket's place is some of its bits, and one bucket more than the memory to
    // count from.
    this.#totals = new Float64Array(2 ** Math.ceil(Math.log2(memoryMs / BUCKET_MS + 3)));
    this.#sinceMs = sinceMs;
    this.#bucket = Math.floor(sinceMs / BUCKET_MS);
  }

  add(nowMs: number): void {
    this.#moveTo(nowMs);
    this.#total += 1;
    this.#totals[this.#place(this.#bucket)] = this.#total;
  }

  /** Takes back an arrival of then; one from before the memory, or before counting began, is not in it. */
  remove(atMs: number): void {
    if (atMs < this.#sinceMs) return;
    const from = Math.floor(atMs / BUCKET_MS);
    if (from <= this.#bucket - this.#totals.length) return;
    for (let bucket = from; bucket <= this.#bucket; bucket += 1) this.#totals[this.#place(bucket)]! -= 1;
    this.#total -= 1;
  }

  #moveTo(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const firstEmpty = Math.max(this.#bucket + 1, bucket - this.#totals.length + 1);
    for (let empty = firstEmpty; empty <= bucket; empty += 1) this.#totals[this.#place(empty)] = this.#total;
    this.#bucket = Math.max(this.#bucket, bucket);
  }

  /** Whether counting had begun before the stretch did. */
  knows(nowMs: number, { skip, buckets }: Stretch): boolean {
    return (this.#bucketAt(nowMs) - skip - buckets) * BUCKET_MS >= this.#sinceMs;
  }

  /** Requests per second over a stretch of whole buckets, or over the part of it that is known. */
  rateOver(nowMs: number, { skip, buckets }: Stretch): number {
    const end = this.#bucketAt(nowMs) - skip;
    const count = this.#totalAt(end - 1) - this.#totalAt(end - buckets - 1);
    return perSecond(count, end * BUCKET_MS - Math.max((end - buckets) * BUCKET_MS, this.#sinceMs));
  }

  /** Requests per second over the last buckets and the one that is filling. */
  rateUntil(nowMs: number, buckets: number): number {
    const start = this.#bucketAt(nowMs) - buckets;
    const count = this.#total - this.#totalAt(start - 1);
    return perSecond(count, nowMs - Math.max(start * BUCKET_MS, this.#sinceMs));
  }

  /** Nothing has come since the latest bucket of an arrival. */
  #bucketAt(nowMs: number): number {
    return Math.max(this.#bucket, Math.floor(nowMs / BUCKET_MS));
  }

  #totalAt(bucket: number): number {
    return bucket >= this.#bucket ? this.#total : this.#totals[this.#place(bucket)]!;
  }

  #place(bucket: number): number {
    return bucket & (this.#totals.length - 1);
  }
}

/**
 * What is known of less than a bucket's time is taken as a whole bucket's: a first request is not yet a
 * flood.
 */
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
 * While nothing arrives, what was seen of earlier arrivals counts half as much after so long: bursts that
 * come from one client, or one job of many, have no more to say once it has been gone for some such times.
 */
const HALF_LIFE_MS = 10 * 60_000;
/** The CV moves the plan only in steps, and only when it has clearly left the present one. */
const STEP = 0.5;
const FIRM = 0.7 * STEP;

/**
 * Coefficient of variation of the times between arrivals: 1 for a Poisson stream, more where they come in
 * bursts.
 */
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
    if (this.#gaps >= FEWEST_GAPS && this.#meanGapMs > 0) this.#cv = this.#followed(this.#meanSquareMs2);
  }

  /** What {@link cv} would be if it were left to fade until then; nothing changes. */
  cvAt(nowMs: number): number {
    if (this.#cv === 1 || !this.#isPause(nowMs)) return this.#cv;
    return this.#followed(this.#fadedSquare(this.#shareAt(nowMs)));
  }

  /** Lets what was learnt fade until now, if nothing has arrived for longer than a gap. */
  fade(nowMs: number): void {
    if (!this.#isPause(nowMs)) return;
    const share = this.#shareAt(nowMs);
    this.#fadedUntilMs = nowMs;
    this.#meanSquareMs2 = this.#fadedSquare(share);
    this.#gaps = Math.min(this.#gaps, this.#memory) * share;
    if (this.#cv > 1) this.#cv = this.#followed(this.#meanSquareMs2);
  }

  #isPause(nowMs: number): boolean {
    return nowMs - (this.#lastArrivalMs ?? nowMs) > LONGEST_GAP_MS;
  }

  /** What share counts then of what counted last. */
  #shareAt(nowMs: number): number {
    return 2 ** ((this.#fadedUntilMs - nowMs) / HALF_LIFE_MS);
  }

  #fadedSquare(share: number): number {
    const poisson = 2 * this.#meanGapMs ** 2;
    return poisson + share * (this.#meanSquareMs2 - poisson);
  }

  /** How many gaps are remembered. */
  get #memory(): number {
    return Math.max(GAP_MEMORY, MEMORY_MS / this.#meanGapMs);
  }

  #followed(meanSquareMs2: number): number {
    const variance = Math.max(0, meanSquareMs2 - this.#meanGapMs ** 2);
    const cv = Math.max(1, Math.sqrt(variance) / this.#meanGapMs);
    return Math.abs(cv - this.#cv) > FIRM ? Math.round(cv / STEP) * STEP : this.#cv;
  }
}
