import table from './limit-table.json' with { type: 'json' };

/** A pool of equal instances in dimensionless form: times in units of the SLO. */
export interface LimitCase {
  /** Execution time of a batch over the SLO, in (0, 1). */
  readonly timeRatio: number;
  readonly maxBatch: number;
  readonly servers: number;
  readonly arrivalCv: number;
  /** Percentile of the SLO, e.g. 99. */
  readonly percentile: number;
}

/**
 * The points at which load limits are tabulated. Between them the limit is interpolated; beyond them the
 * nearest point speaks, which errs on the safe side for short times and small CV and is documented for the
 * rest.
 */
export const LIMIT_GRID = {
  percentile: [95, 99, 99.9],
  arrivalCv: [1, 2, 4],
  servers: [1, 2, 4, 16, 64],
  maxBatch: [1, 2, 4, 8, 32],
  timeRatio: [0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
} as const;

/** Axes in the order in which the table is nested, outermost first. */
export const LIMIT_AXES = ['percentile', 'arrivalCv', 'servers', 'maxBatch', 'timeRatio'] as const;
export type LimitAxis = (typeof LIMIT_AXES)[number];

/** +1 where the limit grows along the axis, −1 where it falls, 0 where it may do either. */
export const LIMIT_TREND: Readonly<Record<LimitAxis, 1 | 0 | -1>> = {
  percentile: -1,
  arrivalCv: -1,
  servers: 1,
  maxBatch: 0,
  timeRatio: -1,
};

/** How many table entries lie between two neighbours along each axis. */
export const LIMIT_STRIDES = Object.fromEntries(
  LIMIT_AXES.map((axis, index) => [
    axis,
    LIMIT_AXES.slice(index + 1).reduce((size, inner) => size * LIMIT_GRID[inner].length, 1),
  ]),
) as Readonly<Record<LimitAxis, number>>;

export const LIMIT_COUNT = LIMIT_AXES.reduce((size, axis) => size * LIMIT_GRID[axis].length, 1);

if (table.limits.length !== LIMIT_COUNT) {
  throw new Error('limit-table.json does not fit its grid: run npm run tabulate:limits');
}

/** Axes whose grid points are spread geometrically are interpolated in their logarithm. */
const GEOMETRIC: ReadonlySet<LimitAxis> = new Set(['servers', 'maxBatch']);

/** Position between two grid points: the lower one's index, and how far towards the next. */
interface Place {
  readonly index: number;
  readonly weight: number;
}

/** The limit as a function of the time ratio alone, at its grid points; the other axes are fixed. */
type Curve = readonly number[];

/** Curves interpolated already: planners ask for the same few pools over and over. */
const curves = new Map<string, Curve>();
const MOST_CURVES = 10_000;

/**
 * The highest load, as a share of the fluid rate `servers · maxBatch / executionTime`, at which the
 * percentile is still in time: multilinear interpolation of the simulated table. A time ratio of 1 or more
 * carries nothing.
 */
export function loadLimitOf(limitCase: LimitCase): number {
  const { timeRatio } = limitCase;
  if (!(timeRatio < 1)) return 0;
  const curve = curveOf(limitCase);
  const { index, weight } = locate('timeRatio', timeRatio);
  const limit = weight === 0 ? curve[index]! : curve[index]! * (1 - weight) + curve[index + 1]! * weight;
  return limit * beyondGrid(timeRatio);
}

function curveOf(limitCase: LimitCase): Curve {
  const { percentile, arrivalCv, servers, maxBatch } = limitCase;
  const key = `${percentile}/${arrivalCv}/${servers}/${maxBatch}`;
  let curve = curves.get(key);
  if (curve === undefined) {
    if (curves.size >= MOST_CURVES) curves.clear();
    curve = interpolateCurve(limitCase);
    curves.set(key, curve);
  }
  return curve;
}

/** The time ratio is the innermost axis: a curve is a weighted sum of stretches of the table. */
function interpolateCurve(limitCase: LimitCase): Curve {
  let corners: { offset: number; weight: number }[] = [{ offset: 0, weight: 1 }];
  for (const axis of LIMIT_AXES) {
    if (axis === 'timeRatio') continue;
    const { index, weight } = locate(axis, limitCase[axis]);
    const stride = LIMIT_STRIDES[axis];
    corners = corners.flatMap((corner) => {
      const near = { offset: corner.offset + index * stride, weight: corner.weight * (1 - weight) };
      if (weight === 0) return [near];
      return [near, { offset: corner.offset + (index + 1) * stride, weight: corner.weight * weight }];
    });
  }
  return LIMIT_GRID.timeRatio.map(
    (_, place) =>
      corners.reduce((sum, { offset, weight }) => sum + table.limits[offset + place]! * weight, 0) / 1000,
  );
}

/** Between the last tabulated time ratio and 1, where nothing is in time any more, the limit falls to 0. */
function beyondGrid(timeRatio: number): number {
  const last = LIMIT_GRID.timeRatio.at(-1)!;
  return timeRatio <= last ? 1 : (1 - timeRatio) / (1 - last);
}

function locate(axis: LimitAxis, value: number): Place {
  const grid: readonly number[] = LIMIT_GRID[axis];
  const last = grid.length - 1;
  if (value <= grid[0]!) return { index: 0, weight: 0 };
  if (value >= grid[last]!) return { index: last, weight: 0 };
  const index = grid.findLastIndex((point) => point <= value);
  const scale = GEOMETRIC.has(axis) ? Math.log : (x: number): number => x;
  const from = scale(grid[index]!);
  return { index, weight: (scale(value) - from) / (scale(grid[index + 1]!) - from) };
}
