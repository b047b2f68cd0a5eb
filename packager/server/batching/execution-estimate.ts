/**
 * Expected time of a batch of so many requests, in ms; never less for more requests. A request counts as one
 * row: how many it really has is known only once it is decoded.
 */
export type ExecutionEstimate = (requests: number) => number;

const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
/** For a normal distribution, 3 mean deviations are 2.4 standard deviations: about the 99th percentile. */
const SAFETY_DEVIATIONS = 3;
/** Before the first measurement; soon corrected. */
const FIRST_GUESS_MS = 10;

interface Observed {
  meanMs: number;
  deviationMs: number;
}

/**
 * Learns from the batches that ran how long the next will take: for each size a running mean and mean
 * deviation, as TCP estimates round trips (RFC 6298); sizes never seen lie on the line between their
 * neighbours.
 */
export class LearnedEstimate {
  readonly #observed = new Map<number, Observed>();
  readonly #curve: Float64Array;

  constructor(maxBatch: number) {
    this.#curve = new Float64Array(maxBatch).fill(FIRST_GUESS_MS);
  }

  executionMs(rows: number): number {
    return this.#curve[Math.min(Math.max(1, rows), this.#curve.length) - 1]!;
  }

  observe(rows: number, durationMs: number): void {
    if (rows < 1 || rows > this.#curve.length) return;
    const known = this.#observed.get(rows);
    if (known === undefined) {
      this.#observed.set(rows, { meanMs: durationMs, deviationMs: durationMs / 8 });
    } else {
      const error = durationMs - known.meanMs;
      known.deviationMs += DEVIATION_WEIGHT * (Math.abs(error) - known.deviationMs);
      known.meanMs += MEAN_WEIGHT * error;
    }
    this.#draw();
  }

  #draw(): void {
    const sizes = [...this.#observed.keys()].sort((a, b) => a - b);
    let fromSize = 0;
    let fromMs = 0;
    for (const size of sizes) {
      const { meanMs, deviationMs } = this.#observed.get(size)!;
      const toMs = Math.max(fromMs, meanMs + SAFETY_DEVIATIONS * deviationMs);
      for (let rows = fromSize + 1; rows <= size; rows += 1) {
        // Nothing smaller was seen: a smaller batch takes at most as long.
        const share = fromSize === 0 ? 1 : (rows - fromSize) / (size - fromSize);
        this.#curve[rows - 1] = fromMs + (toMs - fromMs) * share;
      }
      [fromSize, fromMs] = [size, toMs];
    }
    for (let rows = fromSize + 1; rows <= this.#curve.length; rows += 1) {
      this.#curve[rows - 1] = (fromMs * rows) / fromSize;
    }
  }
}
