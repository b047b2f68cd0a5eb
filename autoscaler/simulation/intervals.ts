import { studentT } from '../../profiles/statistics.ts';

/** A mean over independent runs, and how far from it the true one may be. */
export interface MeanInterval {
  readonly mean: number;
  /** Half the width of the confidence interval; 0 of a single run, which tells nothing of it. */
  readonly half: number;
  readonly runs: number;
}

const LEVEL = 0.95;

/** Mean and 95 % interval of independent runs' figures, by Student's t. Of paired differences as well. */
export function meanInterval(values: readonly number[], level = LEVEL): MeanInterval {
  const runs = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / runs;
  if (runs < 2) return { mean, half: 0, runs };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1);
  return { mean, half: studentT(level, runs - 1) * Math.sqrt(variance / runs), runs };
}
