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
  /** The latest summary: it is the same until another request ends, or its oldest is too old. */
  #known:
    | {
        readonly count: number;
        readonly sloMs: number;
        readonly untilMs: number;
        readonly summary: LatencySummary | undefined;
      }
    | undefined;

  /** @param latencyMs from arrival to answer; Infinity for a request that failed */
  record(latencyMs: number, nowMs: number): void {
    this.#latenciesMs[this.#count % SIZE] = latencyMs;
    this.#endedMs[this.#count % SIZE] = nowMs;
    this.#count += 1;
  }

  /** Undefined where none has ended in the last five minutes. */
  summary(sloMs: number, nowMs: number): LatencySummary | undefined {
    const known = this.#known;
    if (known?.count === this.#count && known.sloMs === sloMs && nowMs < known.untilMs) return known.summary;
    const ended = this.#endedMs.slice(0, Math.min(this.#count, SIZE));
    const isLatest = (_: number, index: number): boolean => nowMs - ended[index]! < LATEST_MS;
    const sorted = this.#latenciesMs.slice(0, ended.length).filter(isLatest).sort();
    const untilMs =
      ended.filter(isLatest).reduce((least, atMs) => Math.min(least, atMs), Infinity) + LATEST_MS;
    const summary = summed(sorted, sloMs);
    this.#known = { count: this.#count, sloMs, untilMs, summary };
    return summary;
  }
}

function summed(sorted: Float64Array, sloMs: number): LatencySummary | undefined {
  const requests = sorted.length;
  if (requests === 0) return undefined;
  return {
    requests,
    p50Ms: sorted[Math.ceil(requests * 0.5) - 1]!,
    p99Ms: sorted[Math.ceil(requests * 0.99) - 1]!,
    attainment: sorted.filter((latencyMs) => latencyMs <= sloMs).length / requests,
  };
}
