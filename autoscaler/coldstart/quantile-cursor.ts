/**
 * Follows one quantile through counts that change: it stays where it was last found and walks from there, which is a
 * step or two, not a sum over all bins.
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
