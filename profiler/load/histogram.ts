import { build, type Histogram } from 'hdr-histogram-js';
import type { LatencySummary } from './report.ts';

const MICROS_PER_MS = 1000;
const ONE_HOUR_MICROS = 3_600_000_000;

/** Latencies in microseconds at three significant digits, in constant memory (HDR histogram). */
export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: ONE_HOUR_MICROS,
    numberOfSignificantValueDigits: 3,
  });
  #sumMs = 0;
  #maxMs = 0;

  get count(): number {
    return this.#histogram.totalCount;
  }

  record(latencyMs: number): void {
    const micros = Math.min(Math.max(0, Math.round(latencyMs * MICROS_PER_MS)), ONE_HOUR_MICROS);
    this.#histogram.recordValue(micros);
    this.#sumMs += latencyMs;
    this.#maxMs = Math.max(this.#maxMs, latencyMs);
  }

  /** @param percent in 0…100; 0 where nothing was recorded */
  percentileMs(percent: number): number {
    if (this.count === 0) return 0;
    // A bucket is answered by its upper end, which may lie above the largest value there was.
    return Math.min(this.#histogram.getValueAtPercentile(percent) / MICROS_PER_MS, this.maxMs);
  }

  get maxMs(): number {
    return roundToMicros(this.#maxMs);
  }

  summary(): LatencySummary | null {
    if (this.count === 0) return null;
    return {
      p50: this.percentileMs(50),
      p90: this.percentileMs(90),
      p95: this.percentileMs(95),
      p99: this.percentileMs(99),
      p999: this.percentileMs(99.9),
      max: this.maxMs,
      mean: roundToMicros(this.#sumMs / this.count),
    };
  }

  reset(): void {
    this.#histogram.reset();
    this.#sumMs = 0;
    this.#maxMs = 0;
  }
}

function roundToMicros(valueMs: number): number {
  return Math.round(valueMs * MICROS_PER_MS) / MICROS_PER_MS;
}
