import type { Bins } from '../course/bins.ts';

/** An amount that changes in steps: its mean in each bin, and its peak. */
export class StepSeries {
  readonly #bins: Bins;
  readonly #integrals: Float64Array;
  #value = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #peak = 0;

  constructor(bins: Bins) {
    this.#bins = bins;
    this.#integrals = new Float64Array(bins.count);
  }

  add(nowMs: number, change: number): void {
    this.advance(nowMs);
    this.#value += change;
  }

  /** Counts what is held up to now. */
  advance(nowMs: number): void {
    const { fromMs, binMs } = this.#bins;
    const toMs = Math.min(nowMs, this.#bins.toMs);
    let atMs = Math.max(this.#sinceMs, fromMs);
    this.#sinceMs = nowMs;
    if (this.#value === 0 || toMs <= atMs) return;
    this.#peak = Math.max(this.#peak, this.#value);
    while (atMs < toMs) {
      const bin = Math.floor((atMs - fromMs) / binMs);
      const untilMs = Math.min(toMs, fromMs + (bin + 1) * binMs);
      this.#integrals[bin]! += this.#value * (untilMs - atMs);
      atMs = untilMs;
    }
  }

  /** Highest value that lasted at all, within the bins. */
  get peak(): number {
    return this.#peak;
  }

  /** Mean over each bin, of the last one over as much of it as has passed. */
  means(untilMs: number): number[] {
    const { fromMs, toMs, binMs } = this.#bins;
    const passedMs = Math.min(untilMs, toMs) - fromMs;
    return Array.from({ length: Math.max(0, Math.ceil(passedMs / binMs)) }, (_, bin) => {
      return this.#integrals[bin]! / Math.min(binMs, passedMs - bin * binMs);
    });
  }

  /** Mean from the first bin to a moment. */
  mean(untilMs: number): number {
    const { fromMs, toMs } = this.#bins;
    const passedMs = Math.min(untilMs, toMs) - fromMs;
    return passedMs <= 0 ? 0 : this.#integrals.reduce((sum, integral) => sum + integral, 0) / passedMs;
  }
}
