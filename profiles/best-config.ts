import type { Cell } from './table.ts';

/** Percentiles a table holds. */
export const SLO_PERCENTILES = [50, 95, 99] as const;
export type SloPercentile = (typeof SLO_PERCENTILES)[number];

export interface Slo {
  readonly sloMs: number;
  readonly percentile: SloPercentile;
}

export function percentileMs(cell: Cell, percentile: SloPercentile): number {
  return cell.latencyMs[`p${percentile}`];
}

/**
 * The tightest SLO that this config can keep at some rate. A batch of one runs as soon as it comes; a larger
 * one is gathered while the one before runs, so that a request waits for up to one batch and runs in the
 * next.
 */
export function tightestSloMs(cell: Cell, percentile: SloPercentile): number {
  return percentileMs(cell, percentile) * (cell.batch > 1 ? 2 : 1);
}

/**
 * Whether a config can keep an SLO at some rate. Whether it does at a function's rate is asked of the
 * planner's rate model.
 */
export function keepsSlo(cell: Cell, slo: Slo): boolean {
  return tightestSloMs(cell, slo.percentile) <= slo.sloMs;
}

export function throughputPerCore(cell: Cell): number {
  return cell.throughputPerSecond / (cell.cpuMillicores / 1000);
}

/**
 * Of the configs that keep an SLO the one that answers most per core; of equals the faster one. Undefined
 * where none keeps it.
 */
export function bestConfig(cells: readonly Cell[], slo: Slo): Cell | undefined {
  return best(
    cells.filter((cell) => keepsSlo(cell, slo)),
    (a, b) => throughputPerCore(b) - throughputPerCore(a) || a.latencyMs.mean - b.latencyMs.mean,
  );
}

/** The config whose tightest SLO is the lowest of all: what to ask for where none keeps the one asked for. */
export function fastestConfig(cells: readonly Cell[], percentile: SloPercentile): Cell | undefined {
  return best(cells, (a, b) => tightestSloMs(a, percentile) - tightestSloMs(b, percentile));
}

function best(cells: readonly Cell[], compare: (a: Cell, b: Cell) => number): Cell | undefined {
  return cells.reduce<Cell | undefined>(
    (winner, cell) => (winner === undefined || compare(cell, winner) < 0 ? cell : winner),
    undefined,
  );
}

/** A config that is the best from this SLO on, until the next point's. */
export interface FrontierPoint {
  readonly sloMs: number;
  readonly cell: Cell;
}

/**
 * What a config answers of each unit of what it holds; more is better. Undefined where it holds none of that.
 */
export type Efficiency = (cell: Cell) => number | undefined;

export const perCore: Efficiency = throughputPerCore;

export const perGpuPercent: Efficiency = (cell) =>
  cell.gpuPercent > 0 ? cell.throughputPerSecond / cell.gpuPercent : undefined;

/**
 * The efficient frontier: what the best config is for every SLO. It begins at the tightest SLO that any
 * config keeps, and each point gives more than the one before. Of equally good configs the faster one is
 * taken, as `bestConfig` does.
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
