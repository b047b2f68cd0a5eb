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
