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

/**
 * Equal stretches of time into which what happens is counted, so that a long run takes no more memory than a
 * short one.
 */
export interface Bins {
  readonly fromMs: number;
  /** Where the last one ends, which may be shorter. */
  readonly toMs: number;
  readonly binMs: number;
  readonly count: number;
}

const MOST_BINS = 400;
const SECOND_MS = 1000;
/** Lengths that people like to read, in seconds. */
const NICE_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200];

export function binsOf(fromMs: number, durationMs: number): Bins {
  const leastMs = durationMs / MOST_BINS;
  const niceMs = NICE_SECONDS.map((seconds) => seconds * SECOND_MS).find((binMs) => binMs >= leastMs);
  const binMs = niceMs ?? Math.ceil(leastMs / 86_400_000) * 86_400_000;
  return { fromMs, toMs: fromMs + durationMs, binMs, count: Math.max(1, Math.ceil(durationMs / binMs)) };
}

/** The bin of a moment; undefined before the first and after the last. */
export function binAt({ fromMs, toMs, binMs }: Bins, atMs: number): number | undefined {
  return atMs >= fromMs && atMs < toMs ? Math.floor((atMs - fromMs) / binMs) : undefined;
}
