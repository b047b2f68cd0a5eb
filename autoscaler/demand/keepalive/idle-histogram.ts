/** Idle times are told apart by the minute, up to four hours: as both papers have it. */
export const BIN_MS = 60_000;
export const BINS = 240;
export const RANGE_MS = BINS * BIN_MS;

/** Where idle times beyond the range are counted. */
export const OVERFLOW_BIN = BINS;

const HEAD_SHARE = 0.05;
const TAIL_SHARE = 0.99;

export function binOf(idleMs: number): number {
  return Math.min(OVERFLOW_BIN, Math.floor(idleMs / BIN_MS));
}

/**
 * Counts of idle times. Adding, removing and asking for head and tail cost the same however many there are: 1
 * kB.
 */
export class IdleHistogram {
  readonly #counts = new Uint32Array(BINS + 1);
  readonly #head = new QuantileCursor(this.#counts, HEAD_SHARE);
  readonly #tail = new QuantileCursor(this.#counts, TAIL_SHARE);
  #total = 0;
  #sumOfSquares = 0;

  get total(): number {
    return this.#total;
  }

  /** @param change how many idle times to add, or, negative, to take away again */
  add(bin: number, change = 1): void {
    const before = this.#counts[bin]!;
    this.#counts[bin] = before + change;
    this.#total += change;
    this.#sumOfSquares += (2 * before + change) * change;
    this.#head.changed(bin, change);
    this.#tail.changed(bin, change);
  }

  /** The beginning of the bin with the 5th percentile. Of an empty histogram: 0. */
  get headMs(): number {
    return this.#total === 0 ? 0 : this.#head.locate(this.#total) * BIN_MS;
  }

  /**
   * The end of the bin with the 99th percentile; the range's end, where that is beyond it. Of an empty
   * histogram: 0.
   */
  get tailMs(): number {
    if (this.#total === 0) return 0;
    return Math.min(RANGE_MS, (this.#tail.locate(this.#total) + 1) * BIN_MS);
  }

  /**
   * Coefficient of variation of the counts of the bins: high where idle times concentrate in a few, 0 where
   * they are everywhere alike. Of an empty histogram: 0.
   */
  get countCv(): number {
    if (this.#total === 0) return 0;
    const mean = this.#total / BINS;
    return Math.sqrt(Math.max(0, this.#sumOfSquares / BINS - mean * mean)) / mean;
  }
}

/**
 * Follows one quantile through counts that change: it stays where it was last found and walks from there,
 * which is a step or two, not a sum over all bins.
 */
export class QuantileCursor {
  readonly #counts: Uint32Array;
  readonly #share: number;
  #bin = 0;
  #below = 0;

  /** @param share above 0, at most 1 */
  constructor(counts: Uint32Array, share: number) {
    this.#counts = counts;
    this.#share = share;
  }

  /** Tell it of every change of a count. */
  changed(bin: number, change: number): void {
    if (bin < this.#bin) this.#below += change;
  }

  /** The first bin by whose end the share of all `total` counts is reached; `total` is above 0. */
  locate(total: number): number {
    const rank = this.#share * total;
    while (this.#below >= rank) {
      this.#bin -= 1;
      this.#below -= this.#counts[this.#bin]!;
    }
    while (this.#below + this.#counts[this.#bin]! < rank) {
      this.#below += this.#counts[this.#bin]!;
      this.#bin += 1;
    }
    return this.#bin;
  }
}
