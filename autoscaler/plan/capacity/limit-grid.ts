/**
 * The points at which load limits are tabulated. Between them the limit is interpolated; beyond them the
 * nearest point speaks, which errs on the safe side for short times and small CV and is documented for the rest.
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
