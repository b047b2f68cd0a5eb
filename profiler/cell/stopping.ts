import { relativeError, summarize } from '../../profiles/statistics.ts';
import type { Latency } from '../../profiles/table.ts';

/** Fewer samples give no interval worth the name; taken however long they last. */
const FEWEST_SAMPLES = 3;
/** Samples that give a 99th percentile: with fewer it is about the maximum. Taken while the budget lasts. */
export const SAMPLES_FOR_TAIL = 100;
/** Periods of the quota to have seen, so that the share of throttled runs is the long-run one. */
const PERIODS_TO_SEE = 40;
/** Where nothing else stops a very fast model; more would only cost memory. */
const MOST_SAMPLES = 100_000;
/**
 * The interval is looked at each time the samples have grown by a quarter: a look at every one would stop at
 * a lucky one.
 */
const GROWTH = 1.25;

export interface Precision {
  /** Of the confidence interval, such as 0.95. */
  readonly level: number;
  /** Half the interval's width over the mean: 0.03 = ±3 %. */
  readonly relativeError: number;
}

export interface StoppingRule extends Precision {
  /** When to stop a cell that is still not precise enough. */
  readonly budgetMs: number;
  readonly periodMs: number;
}

/**
 * The samples of one cell, and when they are enough: at least 3; then until the mean's confidence interval
 * (batch means, see `summarize`) is as narrow as asked, with at least 100 samples and 40 quota periods seen —
 * or the budget is spent. A sample that began before the end of the budget is part of the result like any
 * other: leaving out the one that was running would leave out the slow ones.
 */
export class Samples {
  readonly #rule: StoppingRule;
  readonly #samplesMs: number[] = [];
  #elapsedMs = 0;
  #nextLook = FEWEST_SAMPLES;
  #precise = false;

  constructor(rule: StoppingRule) {
    this.#rule = rule;
  }

  get count(): number {
    return this.#samplesMs.length;
  }

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  get enough(): boolean {
    if (this.count < FEWEST_SAMPLES) return false;
    if (this.#elapsedMs >= this.#rule.budgetMs || this.count >= MOST_SAMPLES) return true;
    return (
      this.#precise &&
      this.count >= SAMPLES_FOR_TAIL &&
      this.#elapsedMs >= PERIODS_TO_SEE * this.#rule.periodMs
    );
  }

  add(latencyMs: number): void {
    this.#samplesMs.push(latencyMs);
    this.#elapsedMs += latencyMs;
    if (this.count < this.#nextLook) return;
    this.#nextLook = Math.ceil(this.count * GROWTH);
    this.#precise = relativeError(this.#latency()) <= this.#rule.relativeError;
  }

  /** What was measured, and whether it is as precise as asked. */
  result(): { readonly latencyMs: Latency; readonly converged: boolean } {
    const latencyMs = this.#latency();
    return { latencyMs, converged: relativeError(latencyMs) <= this.#rule.relativeError };
  }

  #latency(): Latency {
    return summarize(this.#samplesMs, this.#rule.level);
  }
}
