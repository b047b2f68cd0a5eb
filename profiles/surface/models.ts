/**
 * What physics says of a batch before it is measured, as priors that measurements correct.
 *
 * On CPU cores, time is what a batch computes (`cpuMs`: nearly in proportion to its rows, and hardly
 * dependent on the quota) over the cores that it gets: no more than the quota, and no more than it can use at
 * once. The two are learned apart, since most of what differs from cell to cell is in the first, of which
 * every quota tells, and most of what disturbs is in both alike.
 */
import type { LogModel } from './log-model.ts';
import { doublings, matern, type SurfacePoint, sameThreading } from './point.ts';

/** Every combination of what is given. */
function combinations<T extends Record<string, readonly number[]>>(choices: T): { [K in keyof T]: number }[] {
  return Object.entries(choices).reduce<Record<string, number>[]>(
    (made, [name, values]) => made.flatMap((each) => values.map((value) => ({ ...each, [name]: value }))),
    [{}],
  ) as { [K in keyof T]: number }[];
}

/** CPU time of a batch. */
export const demandModels: readonly LogModel[] = combinations({
  batchDeviation: [0.02, 0.06, 0.2, 0.6],
  length: [2, 5],
  roughness: [0.01, 0.03, 0.1],
  threadDeviation: [0.02, 0.08, 0.2],
  quotaDeviation: [0.03, 0.3],
}).map(({ batchDeviation, length, roughness, threadDeviation, quotaDeviation }) => ({
  prior: ({ batch }) => Math.log(batch),
  covariance: (a, b) => {
    const rows = doublings(a.batch, b.batch);
    const likeness = sameThreading(a, b) ? 1 : 0;
    return (
      0.5 ** 2 +
      batchDeviation ** 2 * matern(rows, length) +
      threadDeviation ** 2 * likeness * matern(rows, 2.5) +
      // Under small quotas caches are cold after each stall, and whatever else a process does takes from the
      // quota.
      quotaDeviation ** 2 * likeness * matern(quotaDoublings(a, b), 2) +
      roughness ** 2 * likeness * matern(rows, 2) * matern(quotaDoublings(a, b), 1.5)
    );
  },
}));

/** Time of a batch over its CPU time: one over the cores it gets. */
export const stretchModels: readonly LogModel[] = combinations({
  scaling: [0.4, 0.6, 0.75, 0.85, 0.92],
  threadDeviation: [0.03, 0.1],
  roughness: [0.01, 0.03, 0.1],
}).map(({ scaling, threadDeviation, roughness }) => ({
  prior: (point) => -Math.log(coresOf(point, scaling)),
  covariance: (a, b) => {
    const rows = doublings(a.batch, b.batch);
    const likeness = sameThreading(a, b) ? 1 : 0;
    const free = Math.min(freedom(a, scaling), freedom(b, scaling));
    return (
      0.02 ** 2 +
      free * likeness * threadDeviation ** 2 * matern(rows, 4) +
      roughness ** 2 * likeness * matern(rows, 2) * matern(quotaDoublings(a, b), 1)
    );
  },
}));

/** Time of a batch where CPU time does not explain it: on a GPU, or where no one counted. */
export const timeModels: readonly LogModel[] = combinations({
  batchDeviation: [0.05, 0.2, 0.5],
  gpuDeviation: [0.1, 0.4],
  quotaDeviation: [0.03, 0.2],
  roughness: [0.03, 0.1, 0.2],
  length: [2, 4],
}).map(({ batchDeviation, gpuDeviation, quotaDeviation, roughness, length }) => ({
  prior: (point) =>
    point.gpuPercent > 0
      ? 0.7 * Math.log(point.batch) - 0.5 * Math.log(point.gpuPercent / 100)
      : Math.log(point.batch) - Math.log(coresOf(point, 0.75)),
  covariance: (a, b) => {
    const rows = matern(doublings(a.batch, b.batch), length);
    const quotas = matern(quotaDoublings(a, b), 2);
    const shares = shareLikeness(a, b);
    return (
      0.7 ** 2 +
      batchDeviation ** 2 * rows +
      gpuDeviation ** 2 * shares +
      quotaDeviation ** 2 * quotas +
      0.3 ** 2 * slope(a.batch) * slope(b.batch) * 0.1 +
      roughness ** 2 * rows * quotas * shares
    );
  },
}));

const slope = (value: number): number => Math.log2(value);

function quotaDoublings(a: SurfacePoint, b: SurfacePoint): number {
  return doublings(a.cpuMillicores, b.cpuMillicores);
}

/**
 * Cores that a batch gets at most: of its quota, and of what so many threads can use at once, with what does
 * not run in parallel.
 */
function coresOf({ cpuMillicores, threads }: SurfacePoint, scaling: number): number {
  return Math.min(cpuMillicores / 1000, threads ** scaling);
}

/** From 0, where the quota alone decides, to 1, where threads and model do. */
function freedom({ cpuMillicores, threads }: SurfacePoint, scaling: number): number {
  const usable = threads ** scaling;
  return Math.min(1, Math.max(0, 4 * Math.log(cpuMillicores / 1000 / usable) + 1));
}

function shareLikeness(a: SurfacePoint, b: SurfacePoint): number {
  if (a.gpuPercent > 0 !== b.gpuPercent > 0) return 0;
  return a.gpuPercent === 0 ? 1 : matern(doublings(a.gpuPercent, b.gpuPercent), 2.5);
}
