import { fullBatch } from './capacity/batch-time.ts';
import { carriedPerSecond, type FullBatch } from './capacity/capacity.ts';
import type { Config } from './config.ts';
import { viewOf } from './lookup.ts';
import type { Cell, ProfileTable } from './table.ts';

/** Percentiles a table holds. */
export const SLO_PERCENTILES = [50, 95, 99] as const;
export type SloPercentile = (typeof SLO_PERCENTILES)[number];

export interface Slo {
  readonly sloMs: number;
  readonly percentile: SloPercentile;
}

/** An SLO that rules out nothing. */
export const NO_SLO: Slo = { sloMs: Number.POSITIVE_INFINITY, percentile: 99 };

/** Requests that know nothing of each other. */
const POISSON_CV = 1;

export function percentileMs(cell: Cell, percentile: SloPercentile): number {
  return cell.latencyMs[`p${percentile}`];
}

/**
 * What one instance of a config carries within an SLO, in requests per second, its JSON and their way over
 * HTTP counted: what the planner says of a set of one under Poisson arrivals.
 */
export function carriedBy(table: ProfileTable, config: Config, slo: Slo): number {
  return within(fullBatch(viewOf(table), config, slo.percentile), slo);
}

function within(full: FullBatch, { sloMs, percentile }: Slo): number {
  return carriedPerSecond(full, { sloMs, percentile, arrivalCv: POISSON_CV });
}

/** Whether an instance of a config carries anything within an SLO. */
export function keepsSlo(table: ProfileTable, config: Config, slo: Slo): boolean {
  return carriedBy(table, config, slo) > 0;
}

/** Of two SLOs closer than this share only the looser is told. */
const SLO_STEP = 1e-4;

/** The tightest SLO within which an instance carries anything, rounded up by less than a thousandth. */
export function tightestSloMs(table: ProfileTable, config: Config, percentile: SloPercentile): number {
  return tightestOf(fullBatch(viewOf(table), config, percentile), percentile);
}

/** What is carried falls with the SLO, so the end is found by halving. */
function tightestOf(full: FullBatch, percentile: SloPercentile): number {
  const keeps = (sloMs: number): boolean => within(full, { sloMs, percentile }) > 0;
  let low = full.tailMs;
  let high = low * 2;
  while (!keeps(high)) high *= 2;
  while (high / low > 1 + SLO_STEP) {
    const middle = Math.sqrt(low * high);
    if (keeps(middle)) high = middle;
    else low = middle;
  }
  return high;
}

export function throughputPerCore(cell: Cell): number {
  return cell.throughputPerSecond / (cell.cpuMillicores / 1000);
}

/**
 * What a config gives of each unit of what it holds, where an instance carries so much; more is better.
 * Undefined where it holds none of that.
 */
export type Efficiency = (config: Config, carriedPerSecond: number) => number | undefined;

export const perCore: Efficiency = ({ cpuMillicores }, carried) => carried / (cpuMillicores / 1000);

export const perGpuPercent: Efficiency = ({ gpuPercent }, carried) =>
  gpuPercent > 0 ? carried / gpuPercent : undefined;

/**
 * Of the configs that keep an SLO the one that carries most per core; of equals the faster one. Undefined
 * where none keeps it.
 *
 * @param cells of the table: those that may be chosen; default: all
 */
export function bestConfig(
  table: ProfileTable,
  slo: Slo,
  cells: readonly Cell[] = table.cells,
): Cell | undefined {
  return bestOf(contestants(table, cells, slo.percentile), slo, perCore)?.cell;
}

/** The config whose tightest SLO is the lowest of all: what to ask for where none keeps the one asked for. */
export function fastestConfig(
  table: ProfileTable,
  percentile: SloPercentile,
  cells: readonly Cell[] = table.cells,
): Cell | undefined {
  return contestants(table, cells, percentile)
    .map(({ cell, full }) => ({ cell, sloMs: tightestOf(full, percentile) }))
    .reduce<{ cell: Cell; sloMs: number } | undefined>(
      (winner, each) => (winner === undefined || each.sloMs < winner.sloMs ? each : winner),
      undefined,
    )?.cell;
}

interface Contestant {
  readonly cell: Cell;
  readonly full: FullBatch;
}

function contestants(
  table: ProfileTable,
  cells: readonly Cell[],
  percentile: SloPercentile,
): readonly Contestant[] {
  const view = viewOf(table);
  return cells.map((cell) => ({ cell, full: fullBatch(view, cell, percentile) }));
}

interface Winner {
  readonly cell: Cell;
  readonly meanMs: number;
  readonly value: number;
}

function bestOf(all: readonly Contestant[], slo: Slo, efficiency: Efficiency): Winner | undefined {
  let best: Winner | undefined;
  for (const { cell, full } of all) {
    const carried = within(full, slo);
    const value = carried > 0 ? efficiency(cell, carried) : undefined;
    if (value === undefined) continue;
    const isBetter =
      best === undefined || value > best.value || (value === best.value && full.meanMs < best.meanMs);
    if (isBetter) best = { cell, meanMs: full.meanMs, value };
  }
  return best;
}

/** A config that is the best at this SLO, and keeps every looser one until the next point's. */
export interface FrontierPoint {
  readonly sloMs: number;
  readonly cell: Cell;
  /** What it gives of each unit of the resource at that SLO. */
  readonly value: number;
}

/** From one SLO of the frontier to the next. */
const FRONTIER_STEP = 1.02;
/** Points of one config closer than this share are told once. */
const WORTH_A_POINT = 1.02;
/** So many times the slowest config's tail: an SLO that rules out nothing. */
const LOOSE = 20;

/**
 * The efficient frontier: what the best config is and gives at each of a row of SLOs, two percent apart. It
 * begins at the tightest SLO that any config keeps, and each point gives more than the one before.
 *
 * @returns ascending by SLO; empty where no config holds any of the resource
 */
export function frontierOf(
  table: ProfileTable,
  percentile: SloPercentile,
  efficiency: Efficiency = perCore,
): readonly FrontierPoint[] {
  const all = contestants(table, table.cells, percentile).filter(
    ({ cell }) => efficiency(cell, 1) !== undefined,
  );
  if (all.length === 0) return [];
  const tightestMs = Math.min(...all.map(({ full }) => tightestOf(full, percentile)));
  const loosestMs = LOOSE * Math.max(...all.map(({ full }) => full.tailMs));
  const points: FrontierPoint[] = [];
  for (let sloMs = tightestMs; sloMs < loosestMs; sloMs *= FRONTIER_STEP) {
    const best = bestOf(all, { sloMs, percentile }, efficiency);
    const last = points.at(-1);
    if (best === undefined || (last !== undefined && best.value <= last.value)) continue;
    if (last?.cell === best.cell && best.value < WORTH_A_POINT * last.value) continue;
    points.push({ sloMs, cell: best.cell, value: best.value });
  }
  return points;
}
