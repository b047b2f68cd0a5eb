import { threadRule } from '../../../models/engines/engine.ts';
import type { Config } from '../../../profiles/config.ts';
import { studentT } from '../../../profiles/statistics.ts';
import type { Cell, Latency, ProfileTable } from '../../../profiles/table.ts';
import type { Observation } from '../trace/trace-protocol.ts';
import type { ModelEstimate } from './model-times.ts';

export interface PredictedFrom extends Pick<ModelEstimate, 'meanMs' | 'cpuMs' | 'logError'> {
  /** Cells of the same model: what is not predicted is as it is there. */
  readonly measured: readonly Cell[];
  /** How it ran, at least once, while it was found out which operators it has. */
  readonly observations: readonly (Observation & { readonly batch: number })[];
  readonly confidence: ProfileTable['confidence'];
}

/**
 * Quantiles over the mean where no cell was measured: rather high for a quiet host, since planners rely on
 * them.
 */
const TAIL = { p50: 1, p95: 1.1, p99: 1.25 };
/** An interval as of a sample of this many: what is known of the errors is known of few models. */
const DEGREES_OF_FREEDOM = 8;

/** A cell as tables have them, marked as predicted. */
export function predictedCell(config: Config, from: PredictedFrom): Cell {
  const { meanMs, cpuMs, logError, observations, confidence } = from;
  const spread = Math.exp(studentT(confidence.level, DEGREES_OF_FREEDOM) * logError);
  const first = observations[0]!;
  const slowdown = Math.max(1, 1000 / config.cpuMillicores); // they ran with one core
  return {
    ...config,
    ...threadRule(config.cpuMillicores),
    latencyMs: latencyOf(meanMs, spread, from.measured),
    samples: 0,
    warmupRuns: 0,
    converged: spread - 1 <= confidence.relativeError,
    throughputPerSecond: (config.batch * 1000) / meanMs,
    cpuMs,
    codecMs: { decode: first.codecMs.decode * slowdown, encode: first.codecMs.encode * slowdown },
    peakMemoryBytes: memoryOf(config.batch, observations),
    loadMs: first.loadMs * slowdown,
    firstAnswerMs: first.firstAnswerMs * slowdown,
    throttling: null,
    predicted: true,
  };
}

function latencyOf(mean: number, spread: number, measured: readonly Cell[]): Latency {
  const share = (quantile: keyof typeof TAIL): number =>
    measured.length === 0
      ? TAIL[quantile]
      : measured.reduce((sum, { latencyMs }) => sum + latencyMs[quantile] / latencyMs.mean, 0) /
        measured.length;
  return {
    mean,
    p50: mean * share('p50'),
    p95: mean * share('p95'),
    p99: mean * share('p99'),
    min: mean * Math.min(1, share('p50')),
    max: mean * share('p99'),
    standardDeviation: (mean * Math.max(0, share('p95') - share('p50'))) / 2,
    meanInterval: [mean / spread, mean * spread],
  };
}

/** What each further row took goes on. */
function memoryOf(batch: number, observations: PredictedFrom['observations']): number {
  const first = observations[0]!;
  const last = observations.at(-1)!;
  if (last.batch === first.batch) return first.peakMemoryBytes;
  const perRow = Math.max(0, (last.peakMemoryBytes - first.peakMemoryBytes) / (last.batch - first.batch));
  return Math.round(first.peakMemoryBytes + perRow * (batch - first.batch));
}
