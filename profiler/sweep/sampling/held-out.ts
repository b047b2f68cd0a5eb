import { quantile } from '../../../profiles/statistics.ts';
import { LatencySurface } from '../../../profiles/surface/surface.ts';
import type { Cell, PredictionError } from '../../../profiles/table.ts';

/** With fewer cells, leaving one out leaves too little to predict it from. */
export const FEWEST_TO_HOLD_OUT = 4;

/** Parts of the cells that are left out in turn; up to as many cells, each alone. */
const FOLDS = 10;

/**
 * How well cells are predicted that are not known: each measured cell is left out once and predicted by a
 * surface that has not seen it in any way. No error is left out. Rather too high, since the table's surface
 * knows more cells.
 *
 * @returns null with too few cells
 */
export function heldOutError(measured: readonly Cell[], level: number): PredictionError | null {
  if (measured.length < FEWEST_TO_HOLD_OUT) return null;
  const folds = Math.min(FOLDS, measured.length);
  const errors = Array.from({ length: folds }, (_, fold) => {
    const known = measured.filter((_, index) => index % folds !== fold);
    const surface = new LatencySurface(known, level);
    return measured.filter((_, index) => index % folds === fold).map((cell) => errorAt(surface, cell));
  });
  return summarizeErrors(errors.flat());
}

/** How far a surface is from a measured cell, as a share of what was measured. */
export function errorAt(surface: LatencySurface, cell: Cell): number {
  return Math.abs(surface.estimate(cell).meanMs / cell.latencyMs.mean - 1);
}

/** @param errors at least one */
export function summarizeErrors(errors: readonly number[]): PredictionError {
  const sorted = Float64Array.from(errors).sort();
  return {
    cells: errors.length,
    median: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    max: quantile(sorted, 1),
  };
}
