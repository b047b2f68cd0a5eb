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
