import { scaleLatency } from '../../profiles/statistics.ts';
import { type Covariance, GaussianProcess } from '../../profiles/surface/gaussian-process.ts';
import { doublings, matern } from '../../profiles/surface/point.ts';
import type { Cell } from '../../profiles/table.ts';

/**
 * Of logarithms: what a yardstick differs by from quota to quota, where stalls leave caches cold and
 * collecting garbage takes its part.
 */
const QUOTA_DEVIATIONS = [0.02, 0.06, 0.2];
/** The same of the host's speed from cell to cell: what is put right. */
const SPEED_DEVIATIONS = [0.01, 0.03, 0.06, 0.12];
/** Over how many doublings of a quota its effect goes. */
const QUOTA_LENGTH = 2;
/** Before anything is known of a yardstick's level. */
const LEVEL_DEVIATION = 1;

/**
 * Cells as of one speed of the host. What a host computes in a second changes by tenths within seconds, with
 * its clock and with whoever shares its cores and caches; a single row of the same model, run again and again
 * in between, changes with it. Of each cell that was measured with such a yardstick all times are multiplied
 * by what the yardstick usually takes under such a quota over what it took then (a ratio estimate, as of a
 * control variate). What is usual is learned from all cells with the same threads.
 *
 * @param measured as they were measured
 * @param wanted the relative error at which a mean counts as known
 */
export function correctForSpeed(measured: readonly Cell[], wanted: number): readonly Cell[] {
  const factors = new Map<Cell, number>();
  for (const group of groupsOf(measured.filter(({ yardstick }) => yardstick !== undefined))) {
    for (const [index, factor] of speedFactors(group).entries()) factors.set(group[index]!, factor);
  }
  return measured.map((cell) => {
    const factor = factors.get(cell);
    return factor === undefined ? cell : multiplied(cell, factor, wanted);
  });
}

function groupsOf(cells: readonly Cell[]): Iterable<readonly Cell[]> {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = cell.gpuPercent > 0 ? `gpu ${cell.gpuPercent}` : `${cell.threads} ${cell.spinning}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [cell]);
    else group.push(cell);
  }
  return groups.values();
}

/** How much faster than usual the host would have to have been. */
function speedFactors(cells: readonly Cell[]): readonly number[] {
  const logs = cells.map(({ yardstick }) => Math.log(yardstick!.meanMs));
  const level = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const fits = QUOTA_DEVIATIONS.flatMap((quota) =>
    SPEED_DEVIATIONS.map(
      (speed) =>
        new GaussianProcess<Cell>(
          { points: cells, values: logs.map((log) => log - level), noise: cells.map(() => speed ** 2) },
          likeness(quota),
        ),
    ),
  );
  const likeliest = fits.reduce((best, fit) => (fit.logLikelihood > best.logLikelihood ? fit : best));
  return cells.map((cell, index) => Math.exp(likeliest.at(cell).mean + level - logs[index]!));
}

function likeness(deviation: number): Covariance<Cell> {
  return (a, b) =>
    LEVEL_DEVIATION ** 2 + deviation ** 2 * matern(doublings(a.cpuMillicores, b.cpuMillicores), QUOTA_LENGTH);
}

function multiplied(cell: Cell, factor: number, wanted: number): Cell {
  const { latencyMs, yardstick } = cell;
  const times = scaleLatency(latencyMs, factor);
  const { relativeError } = yardstick!;
  return {
    ...cell,
    latencyMs: {
      ...times,
      meanInterval: [
        times.mean * Math.max(Number.EPSILON, 1 - relativeError),
        times.mean * (1 + relativeError),
      ],
    },
    converged: relativeError <= wanted,
    cpuMs: cell.cpuMs * factor,
    throughputPerSecond: cell.throughputPerSecond / factor,
    speedFactor: factor,
  };
}
