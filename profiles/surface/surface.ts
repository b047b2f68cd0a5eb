import { relativeError, studentT } from '../statistics.ts';
import type { Cell } from '../table.ts';
import { LogMixture, type LogModel, type LogObservation } from './log-model.ts';
import { demandModels, stretchModels, timeModels } from './models.ts';
import type { SurfacePoint } from './point.ts';

export type { SurfacePoint } from './point.ts';

/** What a batch that was not measured takes. */
export interface Estimate {
  readonly meanMs: number;
  /** Where measuring would find the mean, with the surface's confidence. */
  readonly interval: readonly [number, number];
  /** CPU time of the batch; 0 where no one counted it. */
  readonly cpuMs: number;
}

/**
 * How far two processes that measure the same are apart beyond what their intervals say: memory lies
 * elsewhere, and no host is quite steady.
 */
const REPEATABILITY = 0.04;
/** The same for time over CPU time, in which most of a disturbance cancels out. */
const STRETCH_ERROR = 0.03;
/** Of the same logarithm: the kernel's accounting and the edge of a period are not exact. */
const EXPLAINED_WAITING = 0.1;
/** The same on a host that was found busy. */
const NOISY_ERROR = 0.1;
/** A few samples know little of their own error, a single one nothing. */
const LARGEST_ERROR = 0.5;

/**
 * The latency surface through measured cells: total, so that every config has an estimate, and each with an
 * interval.
 *
 * Cells on CPU cores are explained by the CPU time of a batch and the cores that it gets; cells of a GPU, and
 * of tables without CPU times, by the cells near them. Both by Gaussian processes on logarithms, so that
 * errors are relative: see surface/models.ts.
 */
export class LatencySurface {
  readonly #demand: LogMixture | undefined;
  readonly #stretch: LogMixture | undefined;
  readonly #timed: readonly Cell[];
  readonly #level: number;
  #time: LogMixture | undefined;
  readonly #width: number;

  /**
   * @param cells measured ones, at least one
   * @param level of the intervals, such as 0.95
   */
  constructor(cells: readonly Cell[], level: number) {
    if (cells.length === 0) throw new RangeError('A surface needs at least one measured cell.');
    this.#width = studentT(level, Math.max(2, cells.length - 1));
    const onCores = cells.filter(({ gpuPercent }) => gpuPercent === 0);
    const isCounted = onCores.length > 0 && onCores.every(({ cpuMs }) => cpuMs > 0);
    const others = isCounted ? cells.filter(({ gpuPercent }) => gpuPercent > 0) : cells;
    if (isCounted) {
      this.#demand = learn(
        demandModels,
        onCores,
        ({ cpuMs }) => cpuMs,
        (cell) => errorOf(cell, level),
      );
      this.#stretch = learn(
        stretchModels,
        onCores,
        ({ cpuMs, latencyMs }) => latencyMs.mean / cpuMs,
        stretchErrorOf,
      );
    }
    // Of a GPU that has not been measured yet, the cores tell no more than the order of magnitude.
    this.#timed = others.length > 0 ? others : onCores;
    this.#level = level;
  }

  estimate(point: SurfacePoint): Estimate {
    const beliefs = this.#factorsOf(point).map((factor) => factor.at(point));
    const log = beliefs.reduce((sum, { mean }) => sum + mean, 0);
    const variance = beliefs.reduce((sum, belief) => sum + belief.variance, 0);
    const spread = Math.exp(this.#width * Math.sqrt(variance + REPEATABILITY ** 2));
    const meanMs = Math.exp(log);
    const isOnCores = point.gpuPercent === 0 && this.#demand !== undefined;
    return {
      meanMs,
      interval: [meanMs / spread, meanMs * spread],
      cpuMs: isOnCores ? Math.exp(beliefs[0]!.mean) : 0,
    };
  }

  /**
   * What is uncertain of the logarithms at these points, and what of it they share: measuring one tells of
   * another as much as they have in common.
   */
  uncertainty(points: readonly SurfacePoint[]): readonly Float64Array[] {
    const matrix = points.map(() => new Float64Array(points.length));
    for (const isGpu of [false, true]) {
      const own = points.flatMap((point, index) => (point.gpuPercent > 0 === isGpu ? [index] : []));
      if (own.length === 0) continue;
      const ownPoints = own.map((index) => points[index]!);
      for (const factor of this.#factorsOf(ownPoints[0]!)) {
        for (const [i, row] of factor.posterior(ownPoints).entries()) {
          for (const [j, value] of row.entries()) matrix[own[i]!]![own[j]!]! += value;
        }
      }
    }
    return matrix;
  }

  #factorsOf({ gpuPercent }: SurfacePoint): readonly LogMixture[] {
    if (gpuPercent === 0 && this.#demand !== undefined) return [this.#demand, this.#stretch!];
    this.#time ??= learn(
      timeModels,
      this.#timed,
      ({ latencyMs }) => latencyMs.mean,
      (cell) => errorOf(cell, this.#level),
    );
    return [this.#time];
  }
}

function learn(
  models: readonly LogModel[],
  cells: readonly Cell[],
  quantity: (cell: Cell) => number,
  errorOf: (cell: Cell) => number,
): LogMixture {
  const observations = cells.map(
    (cell): LogObservation => ({ point: cell, log: Math.log(quantity(cell)), variance: errorOf(cell) ** 2 }),
  );
  return new LogMixture(models, observations);
}

/** The standard error of a cell's mean, as a share of it. */
function errorOf({ latencyMs, samples }: Cell, level: number): number {
  const own = relativeError(latencyMs) / studentT(level, Math.max(1, samples - 1));
  return Math.min(LARGEST_ERROR, Math.hypot(own, REPEATABILITY));
}

/**
 * The standard error of time over CPU time. At least one thread of a batch always runs or is throttled, so
 * that it takes no longer than its CPU time over its share of a core: what is beyond was waiting for other
 * programs, and tells nothing of the config.
 */
function stretchErrorOf({ latencyMs, cpuMs, cpuMillicores, verdicts }: Cell): number {
  const explainedMs = cpuMs / Math.min(1, cpuMillicores / 1000);
  const waited = Math.max(0, Math.log(latencyMs.mean / explainedMs) - EXPLAINED_WAITING);
  return Math.hypot(STRETCH_ERROR, waited, verdicts?.includes('noisy-host') === true ? NOISY_ERROR : 0);
}
