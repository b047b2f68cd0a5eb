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
 * one is gathered while the one before runs, so that a request waits for up to one batch and runs in the next.
 */
export function tightestSloMs(cell: Cell, percentile: SloPercentile): number {
  return percentileMs(cell, percentile) * (cell.batch > 1 ? 2 : 1);
}

export function isFeasible(cell: Cell, slo: Slo): boolean {
  return tightestSloMs(cell, slo.percentile) <= slo.sloMs;
}

export function throughputPerCore(cell: Cell): number {
  return cell.throughputPerSecond / (cell.cpuMillicores / 1000);
}

/** The feasible config that answers most per core; of equals the faster one. Undefined where none is feasible. */
export function bestConfig(cells: readonly Cell[], slo: Slo): Cell | undefined {
  return best(
    cells.filter((cell) => isFeasible(cell, slo)),
    (a, b) => throughputPerCore(b) - throughputPerCore(a) || a.latencyMs.mean - b.latencyMs.mean,
  );
}

/** The config whose tightest SLO is the lowest of all: what to ask for where an SLO is infeasible. */
export function fastestConfig(cells: readonly Cell[], percentile: SloPercentile): Cell | undefined {
  return best(cells, (a, b) => tightestSloMs(a, percentile) - tightestSloMs(b, percentile));
}

function best(cells: readonly Cell[], compare: (a: Cell, b: Cell) => number): Cell | undefined {
  return cells.reduce<Cell | undefined>(
    (winner, cell) => (winner === undefined || compare(cell, winner) < 0 ? cell : winner),
    undefined,
  );
}
