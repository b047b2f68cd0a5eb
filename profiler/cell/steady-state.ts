import { quantile } from '../../profiles/statistics.ts';

/** Runs in one window at least: of a single run no one knows whether it was an exception. */
const WINDOW_RUNS = 3;
/**
 * Runs at least, however slow they are: memory for the second one is laid out as well, and takes it up to
 * twice as long.
 */
const FEWEST_RUNS = 2;
/** Two windows whose medians differ by no more than this are the same. */
const TOLERANCE = 0.05;

/** How a warm-up ended; `too-slow` when its time was over before two windows could be compared. */
export type Warmth = 'steady' | 'unsteady' | 'too-slow';

/**
 * When a model is warm: the medians of two consecutive windows agree within 5 %. A window is at least three
 * runs and as long as `windowMs`, which should cover several periods of the quota, so that throttling is in
 * every window alike. The first run (memory is laid out, kernels are chosen) belongs to no window.
 *
 * It is bounded by time: a model that never settles, or one so slow that two windows do not fit, is measured
 * anyway after `budgetMs`.
 */
export class WarmUp {
  readonly #windowMs: number;
  readonly #budgetMs: number;
  #runs = 0;
  #elapsedMs = 0;
  #windowElapsedMs = 0;
  #window: number[] = [];
  #previousMedianMs: number | undefined;
  #windows = 0;
  #steady = false;

  constructor(limits: { readonly windowMs: number; readonly budgetMs: number }) {
    this.#windowMs = limits.windowMs;
    this.#budgetMs = limits.budgetMs;
  }

  /** Whether to begin measuring; never before two runs are over. */
  get finished(): boolean {
    return this.#steady || (this.#runs >= FEWEST_RUNS && this.#elapsedMs >= this.#budgetMs);
  }

  get warmth(): Warmth {
    if (this.#steady) return 'steady';
    return this.#windows < 2 ? 'too-slow' : 'unsteady';
  }

  get runs(): number {
    return this.#runs;
  }

  add(latencyMs: number): void {
    this.#runs += 1;
    this.#elapsedMs += latencyMs;
    if (this.#runs === 1) return;
    this.#window.push(latencyMs);
    this.#windowElapsedMs += latencyMs;
    if (this.#window.length < WINDOW_RUNS || this.#windowElapsedMs < this.#windowMs) return;
    this.#closeWindow();
  }

  #closeWindow(): void {
    const medianMs = quantile(Float64Array.from(this.#window).sort(), 0.5);
    const previousMs = this.#previousMedianMs;
    this.#steady =
      previousMs !== undefined &&
      Math.abs(medianMs - previousMs) <= TOLERANCE * Math.max(medianMs, previousMs);
    this.#windows += 1;
    this.#previousMedianMs = medianMs;
    this.#window = [];
    this.#windowElapsedMs = 0;
  }
}
