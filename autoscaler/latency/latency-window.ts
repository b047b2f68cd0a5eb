/** Requests remembered: enough for a p99 that ten of them stand behind. */
const SIZE = 1024;

/** Older ones say nothing of how it is now, and are forgotten. */
export const LATEST_MS = 5 * 60_000;

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
 * The requests of the last five minutes of a function, the latest 1,024 of them at most, for its status: what
 * a person wants to see is now, not since the start, nor how it was when somebody last asked.
 */
export class LatencyWindow {
  readonly #latenciesMs = new Float64Array(SIZE);
  readonly #endedMs = new Float64Array(SIZE);
  #count = 0;

  /** @param latencyMs from arrival to answer; Infinity for a request that failed */
  record(latencyMs: number, nowMs: number): void {
    this.#latenciesMs[this.#count % SIZE] = latencyMs;
    this.#endedMs[this.#count % SIZE] = nowMs;
    this.#count += 1;
  }

  /** Undefined where none has ended in the last five minutes. */
  summary(sloMs: number, nowMs: number): LatencySummary | undefined {
    const kept = this.#latenciesMs.slice(0, Math.min(this.#count, SIZE));
    const sorted = kept.filter((_, index) => nowMs - this.#endedMs[index]! < LATEST_MS).sort();
    const requests = sorted.length;
    if (requests === 0) return undefined;
    const inTime = sorted.filter((latencyMs) => latencyMs <= sloMs).length;
    return {
      requests,
      p50Ms: sorted[Math.ceil(requests * 0.5) - 1]!,
      p99Ms: sorted[Math.ceil(requests * 0.99) - 1]!,
      attainment: inTime / requests,
    };
  }
}
