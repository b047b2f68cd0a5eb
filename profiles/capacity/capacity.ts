import { LIMIT_GRID, loadLimitOf } from './limit-table.ts';

/** What requests ask for, and how bursty they come. */
export interface SloUnderLoad {
  readonly sloMs: number;
  readonly percentile: number;
  /** Coefficient of variation of the times between arrivals: 0 = even, 1 = Poisson. */
  readonly arrivalCv: number;
}

/** How long an instance is busy with a full batch, answers encoded and all. */
export interface FullBatch {
  /** Requests in it. */
  readonly batch: number;
  /** In the mean: decides how much is carried. */
  readonly meanMs: number;
  /** At the percentile of the SLO: decides whether it is in time. */
  readonly tailMs: number;
}

/** Pools beyond this size are tabulated no more: an instance of a larger one carries as much. */
export const LARGEST_POOL = LIMIT_GRID.servers.at(-1)!;

/**
 * What one instance carries in a pool of so many, in requests per second: its fluid rate `b / mean time`,
 * times the load that a pool of this size carries with the SLO's percentile in time, given how long the tail
 * of a batch is against the SLO and how bursty the arrivals are (simulated, see limit-table.ts). 0 where it
 * cannot keep the SLO at any rate: whatever recommends or plans a config asks here.
 */
export function carriedPerSecond(full: FullBatch, slo: SloUnderLoad, servers = 1): number {
  const { batch, meanMs, tailMs } = full;
  const { sloMs, arrivalCv, percentile } = slo;
  if (!(tailMs < sloMs)) return 0;
  const limit = loadLimitOf({
    timeRatio: tailMs / sloMs,
    maxBatch: batch,
    servers: Math.min(servers, LARGEST_POOL),
    arrivalCv,
    percentile,
  });
  return (limit * batch * 1000) / meanMs;
}
