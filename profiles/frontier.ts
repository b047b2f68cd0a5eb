import { type SloPercentile, throughputPerCore, tightestSloMs } from './best-config.ts';
import type { Cell } from './table.ts';

/** A config that is the best from this SLO on, until the next point's. */
export interface FrontierPoint {
  readonly sloMs: number;
  readonly cell: Cell;
}

/** What a config answers of each unit of what it holds; more is better. Undefined where it holds none of that. */
export type Efficiency = (cell: Cell) => number | undefined;

export const perCore: Efficiency = throughputPerCore;

export const perGpuPercent: Efficiency = (cell) =>
  cell.gpuPercent > 0 ? cell.throughputPerSecond / cell.gpuPercent : undefined;

/**
 * The efficient frontier: what the best config is for every SLO. It begins at the tightest SLO that any config keeps, and
 * each point gives more than the one before. Of equally good configs the faster one is taken, as `bestConfig` does.
 *
 * @returns ascending by SLO; empty where no config holds any of the resource
 */
export function frontierOf(
  cells: readonly Cell[],
  percentile: SloPercentile,
  efficiency: Efficiency = perCore,
): readonly FrontierPoint[] {
  const candidates = cells
    .flatMap((cell) => {
      const value = efficiency(cell);
      return value === undefined ? [] : [{ cell, value, sloMs: tightestSloMs(cell, percentile) }];
    })
    .sort((a, b) => a.sloMs - b.sloMs || b.value - a.value || a.cell.latencyMs.mean - b.cell.latencyMs.mean);
  let best = Number.NEGATIVE_INFINITY;
  return candidates.flatMap(({ cell, value, sloMs }) => {
    if (value <= best) return [];
    best = value;
    return [{ sloMs, cell }];
  });
}
