import type { Threading } from '../../../models/engines/engine.ts';
import type { Config } from '../../../profiles/config.ts';
import type { SurfacePoint } from '../../../profiles/surface/surface.ts';
import type { Cell } from '../../../profiles/table.ts';
import { heldOutError } from './held-out.ts';
import { nextCell } from './next-cell.ts';

/** What to measure next, given what was measured; undefined when it is enough. */
export interface Strategy {
  /** Cells that are measured at most. */
  readonly mostCells: number;
  next(measured: readonly Cell[], open: readonly Config[]): Config | undefined;
}

/** Everything, in the order given. */
export function fullStrategy(cells: number): Strategy {
  return { mostCells: cells, next: (_, open) => open[0] };
}

/** Of the grid, unless an error to reach was asked for. */
const DEFAULT_SHARE = 0.3;
/** Fewer cells are measured all: a surface needs some, and it takes no time. */
const FEWEST_CELLS = 8;
/** How the 90th percentile of errors may be above the median. */
const TAIL = 2.4;

export interface SparseOptions {
  /** The easiest config: where it does not run, nothing does. */
  readonly first: Config;
  readonly gridCells: number;
  /** Of the intervals. */
  readonly level: number;
  /** Median error of held-out cells to reach, as a share. */
  readonly error: number;
  /** Go on until that error is reached, however many cells that takes. */
  readonly insist: boolean;
  /** The threads that a config has. */
  readonly threadingOf: (config: Config, measured: readonly Cell[]) => Threading;
}

/**
 * The sparse sweep: the easiest cell, the largest batch (whether it runs at all has to be tried), the least
 * resources (what they do to a batch no other cell tells), then always the cell that tells most of all
 * others; until cells held out are predicted well enough, or a third of the grid is measured.
 */
export function sparseStrategy(options: SparseOptions): Strategy {
  const { first, gridCells, level, error, insist } = options;
  const share = Math.max(FEWEST_CELLS, Math.floor(DEFAULT_SHARE * gridCells));
  const mostCells = insist ? gridCells : Math.min(gridCells, share);
  return {
    mostCells,
    next(measured, open) {
      if (open.includes(first)) return first;
      if (open.length === 0 || measured.length >= mostCells) return undefined;
      const largest = Math.max(...open.map(({ batch }) => batch));
      if (measured.every(({ batch }) => batch < largest)) return mostGenerous(open, largest);
      const least = scarcest(open);
      if (measured.every((cell) => generosity(cell, least) > 0)) return least;
      if (measured.length >= FEWEST_CELLS && isGoodEnough(measured, level, error)) return undefined;
      const points = open.map(
        (config): SurfacePoint => ({ ...config, ...options.threadingOf(config, measured) }),
      );
      return open[points.indexOf(nextCell(measured, points, level))];
    },
  };
}

function isGoodEnough(measured: readonly Cell[], level: number, error: number): boolean {
  const heldOut = heldOutError(measured, level);
  return heldOut !== null && heldOut.median <= error && heldOut.p90 <= TAIL * error;
}

/** The config of this batch with the most of GPU and CPU: where it is the quickest to measure. */
function mostGenerous(open: readonly Config[], batch: number): Config {
  return open
    .filter((config) => config.batch === batch)
    .reduce((best, each) => (generosity(each, best) > 0 ? each : best));
}

/**
 * The config with the least of GPU and CPU, of a batch from the middle: a single row is a case of its own.
 */
function scarcest(open: readonly Config[]): Config {
  const least = open.reduce((best, each) => (generosity(each, best) < 0 ? each : best));
  const alike = open.filter((config) => generosity(config, least) === 0).sort((a, b) => a.batch - b.batch);
  return alike[Math.floor((alike.length - 1) / 2)]!;
}

function generosity(a: Config, b: Config): number {
  return a.gpuPercent - b.gpuPercent || a.cpuMillicores - b.cpuMillicores;
}
