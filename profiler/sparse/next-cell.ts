import { LatencySurface, type SurfacePoint } from '../../profiles/surface.ts';
import type { Cell } from '../../profiles/table.ts';

/** Variance that stays when a cell is measured: below it, knowing more is of no use. */
const MEASURED_VARIANCE = 0.03 ** 2;
/** Cells that tell nearly as much as the best: the quickest of them is as good. */
const NEARLY_AS_GOOD = 0.8;

/**
 * The cell to measure next: the one that, by the surface through those measured, leaves the least uncertain of all others together (active
 * learning after Cohn). Where several do nearly as well, the one that is the quickest to measure.
 *
 * @param measured at least one
 * @param open points that have not been measured; at least one
 */
export function nextCell<P extends SurfacePoint>(
  measured: readonly Cell[],
  open: readonly P[],
  level: number,
): P {
  const surface = new LatencySurface(measured, level);
  const uncertainty = surface.uncertainty(open);
  const gains = uncertainty.map((row, index) => {
    const shared = row.reduce((sum, covariance) => sum + covariance ** 2, 0);
    return shared / (row[index]! + MEASURED_VARIANCE);
  });
  const enough = NEARLY_AS_GOOD * Math.max(...gains);
  const candidates = open.filter((_, index) => gains[index]! >= enough);
  const timeOf = (point: P): number => surface.estimate(point).meanMs;
  return candidates.reduce((best, point) => (timeOf(point) < timeOf(best) ? point : best));
}
