import { LatencySurface, type SurfacePoint } from '../../../profiles/surface/surface.ts';
import type { Cell } from '../../../profiles/table.ts';

/** Variance that stays when a cell is measured: below it, knowing more is of no use. */
const MEASURED_VARIANCE = 0.03 ** 2;
/** Cells that tell nearly as much as the best: the quickest of them is as good. */
const NEARLY_AS_GOOD = 0.8;

/** A cell takes its time however fast it is; one of which few runs take longer than that takes longer. */
const USUAL_TIME_MS = 5000;
const FEWEST_RUNS = 5;

/**
 * The cell to measure next: the one that, by the surface through those measured, leaves the least uncertain
 * of all others together (active learning after Cohn). Where several do nearly as well, the one that is the
 * quickest to measure.
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
  const candidates = open.flatMap((point, index) =>
    gains[index]! >= enough ? [{ point, gain: gains[index]!, timeMs: timeOf(surface, point) }] : [],
  );
  return candidates.reduce((best, each) =>
    each.timeMs < best.timeMs || (each.timeMs === best.timeMs && each.gain > best.gain) ? each : best,
  ).point;
}

function timeOf(surface: LatencySurface, point: SurfacePoint): number {
  return Math.max(USUAL_TIME_MS, FEWEST_RUNS * surface.estimate(point).meanMs);
}
