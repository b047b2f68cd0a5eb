import { threadRule } from '../../../models/engines/engine.ts';
import { type Covariance, GaussianProcess } from '../../../profiles/surface/gaussian-process.ts';
import { doublings, matern } from '../../../profiles/surface/point.ts';
import type { ModelEstimate } from './model-times.ts';

/** Where a prediction is asked for, and one was measured. */
export interface CorrectionPoint {
  readonly batch: number;
  readonly cpuMillicores: number;
}

/** What a measurement says of a prediction. */
export interface MeasuredPoint extends CorrectionPoint {
  readonly predicted: Pick<ModelEstimate, 'meanMs' | 'logError'>;
  readonly meanMs: number;
}

/** A measured mean on a host that is never quite steady. */
const NOISE = 0.04 ** 2;

/**
 * Of the logarithms' deviations below, all together: predictions that are more certain are corrected by less.
 */
const USUAL_LOG_ERROR = 0.5;

/**
 * By how much a model is off its operators' sum: mostly the same everywhere, less so with other threads, and
 * the farther apart.
 */
const covariance: Covariance<CorrectionPoint> = (a, b) => {
  const rows = doublings(a.batch, b.batch);
  const quotas = doublings(a.cpuMillicores, b.cpuMillicores);
  const threads = doublings(threadsOf(a), threadsOf(b));
  return (
    0.4 ** 2 +
    0.2 ** 2 * matern(rows, 4) +
    0.2 ** 2 * matern(threads, 1) +
    0.1 ** 2 * matern(quotas, 2) +
    0.05 ** 2 * matern(rows, 2) * matern(quotas, 2)
  );
};

function threadsOf({ cpuMillicores }: CorrectionPoint): number {
  return threadRule(cpuMillicores).threads;
}

/** Predictions, multiplied by what a few measured cells were off. */
export class Correction {
  readonly #process: GaussianProcess<CorrectionPoint>;
  readonly #covariance: Covariance<CorrectionPoint>;

  /** @param measured none leaves predictions as they are */
  constructor(measured: readonly MeasuredPoint[]) {
    const errors = measured.map(({ predicted }) => predicted.logError);
    const scale = Math.max(0, ...errors) / USUAL_LOG_ERROR;
    this.#covariance = (a, b) => scale ** 2 * covariance(a, b);
    this.#process = new GaussianProcess<CorrectionPoint>(
      {
        points: measured,
        values: measured.map(({ meanMs, predicted }) => Math.log(meanMs / predicted.meanMs)),
        noise: measured.map(() => NOISE),
      },
      this.#covariance,
    );
  }

  at(point: CorrectionPoint, estimate: ModelEstimate): Pick<ModelEstimate, 'meanMs' | 'logError'> {
    const { mean, variance } = this.#process.at(point);
    const prior = this.#covariance(point, point);
    const open = prior > 0 ? variance / prior : 1; // the share of the error that measuring has not explained
    return {
      meanMs: estimate.meanMs * Math.exp(mean),
      logError: Math.sqrt(NOISE + open * estimate.logError ** 2),
    };
  }
}

/**
 * The cells whose measurement tells the most of all others, one after the other: each leaves the least open.
 *
 * @param count at most as many as there are points
 */
export function tellingPoints<P extends CorrectionPoint>(points: readonly P[], count: number): readonly P[] {
  const chosen: P[] = [];
  while (chosen.length < Math.min(count, points.length)) {
    const open = points.filter((point) => !chosen.includes(point));
    const left = open.map((candidate) => variance([...chosen, candidate], points));
    chosen.push(open[left.indexOf(Math.min(...left))]!);
  }
  return chosen;
}

function variance(known: readonly CorrectionPoint[], points: readonly CorrectionPoint[]): number {
  const process = new GaussianProcess<CorrectionPoint>(
    { points: known, values: known.map(() => 0), noise: known.map(() => NOISE) },
    covariance,
  );
  return points.reduce((sum, point) => sum + process.at(point).variance, 0);
}
