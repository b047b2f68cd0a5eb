/** A symmetric, non-negative function of two points: how much what is known of one says about the other. */
export type Covariance<P> = (a: P, b: P) => number;

export interface GaussianProcessData<P> {
  readonly points: readonly P[];
  /** Deviations from the prior mean. */
  readonly values: readonly number[];
  /** Variance of the error of each value; above zero, which also keeps the matrix well conditioned. */
  readonly noise: readonly number[];
}

/** A normally distributed belief. */
export interface Belief {
  readonly mean: number;
  readonly variance: number;
}

/**
 * Regression by a Gaussian process of prior mean zero, by Cholesky decomposition (Rasmussen and Williams
 * 2006, algorithm 2.1).
 */
export class GaussianProcess<P> {
  readonly #points: readonly P[];
  readonly #covariance: Covariance<P>;
  readonly #factor: readonly Float64Array[];
  readonly #weights: Float64Array;
  /** How well these values fit the covariance: the log of their density under the prior. */
  readonly logLikelihood: number;

  constructor({ points, values, noise }: GaussianProcessData<P>, covariance: Covariance<P>) {
    this.#points = points;
    this.#covariance = covariance;
    this.#factor = cholesky(
      points.map((a, row) =>
        Float64Array.from(points.slice(0, row + 1), (b, column) => {
          return covariance(a, b) + (row === column ? noise[row]! : 0);
        }),
      ),
    );
    this.#weights = solveTransposed(this.#factor, solve(this.#factor, values));
    const fit = values.reduce((sum, value, index) => sum + value * this.#weights[index]!, 0);
    const volume = this.#factor.reduce((sum, row, index) => sum + Math.log(row[index]!), 0);
    this.logLikelihood = -fit / 2 - volume - (points.length * Math.log(2 * Math.PI)) / 2;
  }

  /** Of the function itself, without the noise of measuring it. */
  at(point: P): Belief {
    const covariances = this.#points.map((known) => this.#covariance(point, known));
    const mean = covariances.reduce((sum, each, index) => sum + each * this.#weights[index]!, 0);
    const explained = squareSum(solve(this.#factor, covariances));
    return { mean, variance: Math.max(0, this.#covariance(point, point) - explained) };
  }

  /** What is still uncertain of each point, and together with each other one. */
  posterior(points: readonly P[]): readonly Float64Array[] {
    const halves = points.map((point) =>
      solve(
        this.#factor,
        this.#points.map((known) => this.#covariance(point, known)),
      ),
    );
    return points.map((a, row) =>
      Float64Array.from(points, (b, column) => this.#covariance(a, b) - dot(halves[row]!, halves[column]!)),
    );
  }
}

/** The lower triangle L of A = L·Lᵀ, from the lower triangle of A, row by row. */
function cholesky(rows: readonly Float64Array[]): readonly Float64Array[] {
  for (const [i, row] of rows.entries()) {
    for (let j = 0; j <= i; j += 1) {
      const other = rows[j]!;
      let rest = row[j]!;
      for (let k = 0; k < j; k += 1) rest -= row[k]! * other[k]!;
      row[j] = i === j ? Math.sqrt(Math.max(rest, Number.EPSILON)) : rest / other[j]!;
    }
  }
  return rows;
}

/** x of L·x = b. */
function solve(factor: readonly Float64Array[], b: ArrayLike<number>): Float64Array {
  const x = Float64Array.from(b);
  for (const [i, row] of factor.entries()) {
    let rest = x[i]!;
    for (let k = 0; k < i; k += 1) rest -= row[k]! * x[k]!;
    x[i] = rest / row[i]!;
  }
  return x;
}

/** x of Lᵀ·x = b. */
function solveTransposed(factor: readonly Float64Array[], b: Float64Array): Float64Array {
  const x = Float64Array.from(b);
  for (let i = factor.length - 1; i >= 0; i -= 1) {
    let rest = x[i]!;
    for (let k = i + 1; k < factor.length; k += 1) rest -= factor[k]![i]! * x[k]!;
    x[i] = rest / factor[i]![i]!;
  }
  return x;
}

function squareSum(values: Float64Array): number {
  return dot(values, values);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}
