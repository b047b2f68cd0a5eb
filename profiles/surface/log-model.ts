import { type Belief, type Covariance, GaussianProcess } from './gaussian-process.ts';
import type { SurfacePoint } from './point.ts';

/** What is believed of the logarithm of a positive quantity before anything is measured. */
export interface LogModel {
  /** Up to a constant, which is learned. */
  readonly prior: (point: SurfacePoint) => number;
  readonly covariance: Covariance<SurfacePoint>;
}

/** A measured logarithm. */
export interface LogObservation {
  readonly point: SurfacePoint;
  readonly log: number;
  /** Of its error. */
  readonly variance: number;
}

/** A model that has seen observations. */
class FittedLogModel {
  readonly #model: LogModel;
  readonly #process: GaussianProcess<SurfacePoint>;
  readonly #level: number;

  constructor(model: LogModel, observations: readonly LogObservation[]) {
    this.#model = model;
    const rests = observations.map(({ point, log }) => log - model.prior(point));
    this.#level = rests.reduce((sum, rest) => sum + rest, 0) / rests.length;
    this.#process = new GaussianProcess(
      {
        points: observations.map(({ point }) => point),
        values: rests.map((rest) => rest - this.#level),
        noise: observations.map(({ variance }) => variance),
      },
      model.covariance,
    );
  }

  get logLikelihood(): number {
    return this.#process.logLikelihood;
  }

  at(point: SurfacePoint): Belief {
    const { mean, variance } = this.#process.at(point);
    return { mean: mean + this.#level + this.#model.prior(point), variance };
  }

  posterior(points: readonly SurfacePoint[]): readonly Float64Array[] {
    return this.#process.posterior(points);
  }
}

/** Models less likely than the best by more than this change nothing that could be seen. */
const LEAST_LIKELY = 0.02;

/**
 * What several models say together, each weighed by how likely it makes what was observed. A few observations
 * fit many models: the most likely one alone would be far too sure of itself.
 */
export class LogMixture {
  readonly #members: readonly { readonly model: FittedLogModel; readonly weight: number }[];

  constructor(models: readonly LogModel[], observations: readonly LogObservation[]) {
    const fitted = models.map((model) => new FittedLogModel(model, observations));
    const best = Math.max(...fitted.map(({ logLikelihood }) => logLikelihood));
    const likely = fitted
      .map((model) => ({ model, weight: Math.exp(model.logLikelihood - best) }))
      .filter(({ weight }) => weight >= LEAST_LIKELY);
    const total = likely.reduce((sum, { weight }) => sum + weight, 0);
    this.#members = likely.map(({ model, weight }) => ({ model, weight: weight / total }));
  }

  at(point: SurfacePoint): Belief {
    const beliefs = this.#members.map(({ model, weight }) => ({ ...model.at(point), weight }));
    const mean = beliefs.reduce((sum, belief) => sum + belief.weight * belief.mean, 0);
    const variance = beliefs.reduce(
      (sum, belief) => sum + belief.weight * (belief.variance + (belief.mean - mean) ** 2),
      0,
    );
    return { mean, variance };
  }

  posterior(points: readonly SurfacePoint[]): readonly Float64Array[] {
    const rows = points.map(() => new Float64Array(points.length));
    for (const { model, weight } of this.#members) {
      for (const [i, row] of model.posterior(points).entries()) {
        for (const [j, value] of row.entries()) rows[i]![j]! += weight * value;
      }
    }
    return rows;
  }
}
