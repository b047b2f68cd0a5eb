import { seededRandom } from '../../models/base/random.ts';
import { studentT } from '../../profiles/statistics.ts';

/** Of the time of a cell that has one. */
export const YARDSTICK_SHARE = 0.15;
/** Time of the cell for each of the yardstick's. */
const OTHERS = (1 - YARDSTICK_SHARE) / YARDSTICK_SHARE;
/** One that counts for nothing, and one that does. */
const FEWEST_IN_TURN = 2;
/** Stretches in the time of a cell: a host changes its speed within tenths of a second. */
const STRETCHES = 40;
/** Fewer say nothing of how much they differ. */
const FEWEST_STRETCHES = 3;
/** What was measured beside a cell and its yardstick is never as exact as that. */
const LEAST_RELATIVE_ERROR = 0.002;

/** Runs of a cell in a row, and what a run of the yardstick took right after them. */
export interface Interval {
  readonly runs: number;
  /** Of all these runs. */
  readonly elapsedMs: number;
  readonly yardstickMs: number;
}

/** How fast the host was while a cell was measured. */
export interface YardstickReading {
  /** Of one run of the yardstick, in the mean over the cell's runs. */
  readonly meanMs: number;
  /** Half the confidence interval of the cell's mean over the yardstick's, as a share of it. */
  readonly relativeError: number;
}

/**
 * How many runs of a cell and of its yardstick take turns. Numbers of runs, not times: a stall of the quota
 * falls upon whoever is running then, and who gives way after a stall would always leave the next one to the
 * other. The numbers vary at random, so that they do not keep step with the quota's periods.
 */
export class Interleaving {
  readonly #stretchMs: number;
  readonly #random = seededRandom(1);
  #runMs: number | undefined;
  #yardstickMs: number | undefined;

  /** @param budgetMs time of the cell and the yardstick together */
  constructor(budgetMs: number) {
    this.#stretchMs = ((1 - YARDSTICK_SHARE) * budgetMs) / STRETCHES;
  }

  /**
   * Runs of the cell until the next turn of the yardstick: so many that the turn, of two runs at least, takes
   * no more than its share.
   */
  runs(): number {
    if (this.#runMs === undefined) return 1;
    const stretchMs = Math.max(this.#stretchMs, FEWEST_IN_TURN * this.#yardstickMs! * OTHERS);
    return Math.max(1, Math.round(((0.5 + this.#random()) * stretchMs) / this.#runMs));
  }

  /** Runs of the yardstick that count, after a first one that finds its data out of the caches. */
  yardsticks(): number {
    if (this.#runMs === undefined) return 1;
    const stretchMs = Math.max(this.#stretchMs, this.#runMs);
    return Math.max(FEWEST_IN_TURN, Math.round(stretchMs / OTHERS / this.#yardstickMs!)) - 1;
  }

  /** @param ms mean time of one run of each, as seen last */
  learn(ms: { readonly run: number; readonly yardstick: number }): void {
    this.#runMs = Math.max(ms.run, Number.EPSILON);
    this.#yardstickMs = Math.max(ms.yardstick, Number.EPSILON);
  }
}

/**
 * What the stretches say together: a ratio estimator (Cochran, Sampling Techniques, chapter 6), whose error
 * is in what the yardstick does not explain.
 *
 * @param level of the confidence interval
 * @returns undefined where there are too few
 */
export function hostSpeed(stretches: readonly Interval[], level: number): YardstickReading | undefined {
  const count = stretches.length;
  if (count < FEWEST_STRETCHES) return undefined;
  const sum = (of: (stretch: Interval) => number): number =>
    stretches.reduce((total, stretch) => total + of(stretch), 0);
  const elapsedMs = sum((stretch) => stretch.elapsedMs);
  const yardstickMs = sum(({ runs, yardstickMs }) => runs * yardstickMs);
  const ratio = elapsedMs / yardstickMs;
  const squares = sum((stretch) => (stretch.elapsedMs - ratio * stretch.runs * stretch.yardstickMs) ** 2);
  const standardError = Math.sqrt((count / (count - 1)) * squares) / elapsedMs;
  return {
    meanMs: yardstickMs / sum(({ runs }) => runs),
    relativeError: Math.max(LEAST_RELATIVE_ERROR, studentT(level, count - 1) * standardError),
  };
}
