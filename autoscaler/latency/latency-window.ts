/** Requests remembered: enough for a p99 that ten of them stand behind. */
const SIZE = 1024;

export interface LatencySummary {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /**
   * Share answered within the SLO, failures counted as not; requests that were wrong by themselves are not
   * recorded.
   */
  readonly attainment: number;
}

/**
 * The latest requests of a function, for its status: what a person wants to see is now, not since the start.
 */
export class LatencyWindow {
  readonly #latenciesMs = new Float64Array(SIZE);
  #count = 0;
  /** The latest summary, and what it was of: between requests it is the same. */
  #known: { readonly count: number; readonly sloMs: number; readonly summary: LatencySummary } | undefined;

  /** @param latencyMs from arrival to answer; Infinity for a request that failed */
  record(latencyMs: number): void {
    this.#latenciesMs[this.#count % SIZE] = latencyMs;
    this.#count += 1;
  }

  summary(sloMs: number): LatencySummary | undefined {
    const requests = Math.min(this.#count, SIZE);
    if (requests === 0) return undefined;
    if (this.#known?.count === this.#count && this.#known.sloMs === sloMs) return this.#known.summary;
    const sorted = this.#latenciesMs.slice(0, requests).sort();
    const inTime = sorted.filter((latencyMs) => latencyMs <= sloMs).length;
    const summary = {
      requests,
      p50Ms: sorted[Math.ceil(requests * 0.5) - 1]!,
      p99Ms: sorted[Math.ceil(requests * 0.99) - 1]!,
      attainment: inTime / requests,
    };
    this.#known = { count: this.#count, sloMs, summary };
    return summary;
  }
}
