import { LatencyHistogram } from '../../../profiler/load/histogram.ts';

/** What is told of a distribution of latencies. */
export const LATENCY_PERCENTILES = [1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9] as const;

/** How one function's requests fared. */
export interface RequestSummary {
  readonly requests: number;
  readonly inTime: number;
  /** Answered after the SLO. */
  readonly late: number;
  /** Rejected, given up, or lost. */
  readonly failed: number;
  /** Arrived when no instance was ready. */
  readonly cold: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Latencies in ms at {@link LATENCY_PERCENTILES}; 0 where nothing was answered. */
  readonly latenciesMs: readonly number[];
}

/** Sums and differences of virtual times are exact to this. */
const ROUNDING_MS = 1e-6;

/** Counts one function's requests. */
export class RequestMeter {
  readonly #sloMs: number;
  readonly #latencies = new LatencyHistogram();
  #requests = 0;
  #inTime = 0;
  #failed = 0;
  #cold = 0;

  constructor(sloMs: number) {
    this.#sloMs = sloMs;
  }

  arrived(isCold: boolean): void {
    this.#requests += 1;
    if (isCold) this.#cold += 1;
  }

  /** Returns whether it was in time. */
  answered(latencyMs: number): boolean {
    this.#latencies.record(latencyMs);
    const isInTime = latencyMs <= this.#sloMs + ROUNDING_MS;
    if (isInTime) this.#inTime += 1;
    return isInTime;
  }

  failed(): void {
    this.#failed += 1;
  }

  /** Requests that have not been answered by now count as failed. */
  get summary(): RequestSummary {
    const answered = this.#latencies.count;
    const unanswered = this.#requests - answered - this.#failed;
    return {
      requests: this.#requests,
      inTime: this.#inTime,
      late: answered - this.#inTime,
      failed: this.#failed + unanswered,
      cold: this.#cold,
      p50Ms: this.#latencies.percentileMs(50),
      p99Ms: this.#latencies.percentileMs(99),
      latenciesMs: LATENCY_PERCENTILES.map((percent) => this.#latencies.percentileMs(percent)),
    };
  }
}
