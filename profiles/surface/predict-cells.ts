import { relativeError } from '../statistics.ts';
import type { Cell, Latency, ProfileTable } from '../table.ts';
import { inPhysicalOrder } from './monotone.ts';
import { doublings, sameThreading } from './point.ts';
import { LatencySurface, type SurfacePoint } from './surface.ts';

/**
 * Cells for points that were not measured, from the surface through those that were: marked as predicted,
 * each with the interval in which measuring would find its mean.
 *
 * @param measured at least one
 */
export function predictCells(
  measured: readonly Cell[],
  points: readonly SurfacePoint[],
  confidence: ProfileTable['confidence'],
): readonly Cell[] {
  const surface = new LatencySurface(measured, confidence.level);
  const estimates = points.map((point) => surface.estimate(point));
  const ordered = inPhysicalOrder([
    ...points.map((point, index) => ({ point, ms: estimates[index]!.meanMs, fixed: false })),
    ...measured.map((cell) => ({ point: cell, ms: cell.latencyMs.mean, fixed: true })),
  ]);
  return points.map((point, index) => {
    const { meanMs, interval, cpuMs } = estimates[index]!;
    const shift = ordered[index]! / meanMs;
    return predictedCell(point, measured, {
      mean: ordered[index]!,
      meanInterval: [Math.min(interval[0], interval[0] * shift), Math.max(interval[1], interval[1] * shift)],
      cpuMs,
      wantedError: confidence.relativeError,
    });
  });
}

function predictedCell(
  point: SurfacePoint,
  measured: readonly Cell[],
  known: { mean: number; meanInterval: [number, number]; cpuMs: number; wantedError: number },
): Cell {
  const { mean, meanInterval, cpuMs } = known;
  const weights = measured.map((cell) => weightOf(cell, point));
  /** The weighted geometric mean over cells; linear interpolation is wrong for what changes by factors. */
  const like = (of: (cell: Cell) => number): number => weightedMean(measured.map(of), weights);
  const share = (of: (latency: Latency) => number): number =>
    like(({ latencyMs }) => of(latencyMs) / latencyMs.mean);
  const cores = (cell: Pick<SurfacePoint, 'cpuMillicores'>): number => Math.min(1, cell.cpuMillicores / 1000);
  const p50 = mean * share((latency) => latency.p50);
  const p95 = Math.max(p50, mean * share((latency) => latency.p95));
  const latencyMs: Latency = {
    mean,
    p50,
    p95,
    p99: Math.max(p95, mean * share((latency) => latency.p99)),
    min: mean * share((latency) => latency.min),
    max: mean * share((latency) => latency.max),
    standardDeviation: mean * share((latency) => Math.max(latency.standardDeviation, 1e-6 * latency.mean)),
    meanInterval,
  };
  const single = (of: (cell: Cell) => number): number =>
    like((cell) => Math.max(1e-6, of(cell)) * cores(cell)) / cores(point);
  return {
    batch: point.batch,
    cpuMillicores: point.cpuMillicores,
    gpuPercent: point.gpuPercent,
    threads: point.threads,
    spinning: point.spinning,
    latencyMs,
    samples: 0,
    warmupRuns: 0,
    converged: relativeError(latencyMs) <= known.wantedError,
    throughputPerSecond: (point.batch * 1000) / mean,
    cpuMs,
    codecMs: { decode: single((cell) => cell.codecMs.decode), encode: single((cell) => cell.codecMs.encode) },
    ...(measured.every((cell) => cell.transferMs !== undefined)
      ? { transferMs: single((cell) => cell.transferMs!) }
      : {}),
    peakMemoryBytes: memoryBound(measured, point),
    loadMs: single((cell) => cell.loadMs),
    firstAnswerMs: single((cell) => cell.firstAnswerMs),
    throttling: null,
    predicted: true,
  };
}

/**
 * What is near tells most: a doubling of rows or of a share away, and other threads, count as one step each.
 */
function weightOf(cell: Cell, point: SurfacePoint): number {
  const onGpu = point.gpuPercent > 0;
  if (cell.gpuPercent > 0 !== onGpu) return 1e-6;
  const steps =
    doublings(cell.batch, point.batch) +
    doublings(cell.cpuMillicores, point.cpuMillicores) +
    (onGpu ? doublings(cell.gpuPercent, point.gpuPercent) : 0) +
    (sameThreading(cell, point) ? 0 : 1);
  return 1 / (0.25 + steps ** 2);
}

function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Math.exp(values.reduce((sum, value, index) => sum + Math.log(value) * weights[index]!, 0) / total);
}

/**
 * Memory that is surely enough, as far as more rows need no less: what the next larger batch took, else the
 * largest in proportion.
 */
function memoryBound(measured: readonly Cell[], { batch }: SurfacePoint): number {
  const larger = measured.filter((cell) => cell.batch >= batch);
  if (larger.length > 0) {
    const next = Math.min(...larger.map((cell) => cell.batch));
    return Math.max(...larger.filter((cell) => cell.batch === next).map((cell) => cell.peakMemoryBytes));
  }
  const largest = Math.max(...measured.map((cell) => cell.batch));
  const most = Math.max(...measured.map((cell) => cell.peakMemoryBytes));
  return Math.round((most * batch) / largest);
}
