import { quantile } from '../../../profiles/statistics.ts';
import type { Cell } from '../../../profiles/table.ts';
import type { OperatorModel } from '../database/database.ts';
import { Correction, tellingPoints } from './correction.ts';
import { type ModelShape, modelShape } from './model-shape.ts';
import { ModelTimes } from './model-times.ts';

/** Errors of predictions as shares of what was measured: of every cell, none left out. */
export interface Errors {
  readonly cells: number;
  /** The share of the grid that was measured to correct predictions; those cells are not among the errors. */
  readonly measuredShare: number;
  readonly medianError: number;
  readonly p90Error: number;
  readonly maxError: number;
}

export interface Evaluation {
  readonly neverMeasured: Errors;
  readonly corrected: Errors;
  /** Of the CPU time of a batch, which who else is on the host changes less than its latency. */
  readonly cpuTime: Errors;
  /** Of the time predicted, in the worst case: of operators of kinds that no other model has. */
  readonly unknownShare: number;
}

/**
 * How well a model is predicted by all others.
 *
 * @param left its times are not used, but the shapes of its operators
 * @param measured its cells on CPU cores as they were measured; more than `corrections`
 * @param corrections cells to measure for the second figure
 */
export function evaluateLeftOut(
  left: OperatorModel,
  others: readonly OperatorModel[],
  measured: readonly Cell[],
  corrections: number,
): Evaluation {
  const times = new ModelTimes(others);
  const shape = shapeOf(left);
  const cells = measured.map((cell) => ({ cell, estimate: times.at(shape, cell) }));
  const known = tellingPoints(measured, corrections);
  const correction = new Correction(
    cells
      .filter(({ cell }) => known.includes(cell))
      .map(({ cell, estimate }) => ({ ...cell, predicted: estimate, meanMs: cell.latencyMs.mean })),
  );
  const rest = cells.filter(({ cell }) => !known.includes(cell));
  const errorOf = (predictedMs: number, trueMs: number): number => Math.abs(predictedMs / trueMs - 1);
  return {
    neverMeasured: summarize(
      cells.map(({ cell, estimate }) => errorOf(estimate.meanMs, cell.latencyMs.mean)),
      0,
    ),
    corrected: summarize(
      rest.map(({ cell, estimate }) => errorOf(correction.at(cell, estimate).meanMs, cell.latencyMs.mean)),
      known.length / measured.length,
    ),
    cpuTime: summarize(
      cells.map(({ cell, estimate }) => errorOf(estimate.cpuMs, cell.cpuMs)),
      0,
    ),
    unknownShare: Math.max(...cells.map(({ estimate }) => estimate.unknownShare)),
  };
}

/** @param errors at least one */
export function summarize(errors: readonly number[], measuredShare: number): Errors {
  const sorted = Float64Array.from(errors).sort();
  return {
    cells: errors.length,
    measuredShare,
    medianError: quantile(sorted, 0.5),
    p90Error: quantile(sorted, 0.9),
    maxError: quantile(sorted, 1),
  };
}

function shapeOf({ name, runs }: OperatorModel): ModelShape {
  const [one] = runs;
  return modelShape(
    name,
    one!,
    runs.find(({ batch }) => batch !== one!.batch),
  );
}
