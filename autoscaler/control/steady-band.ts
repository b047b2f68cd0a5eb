import { configKey } from '../../profiles/config.ts';
import type { ClusterSnapshot, FunctionDemand, PlannedInstance, Planner, RateModel } from '../plan/model.ts';
import type { NodeCapacity } from '../platforms/platform.ts';

/** Rates, as planners are given them, between which a planner leaves a pool as it is. */
export interface SteadyBand {
  /** The recent past's highest rate may not be lower: from there on, instances go or cheaper ones come. */
  readonly leastRecentPerSecond: number;
  /** The rate may not be higher: from there on, instances are missing. */
  readonly mostPerSecond: number;
}

/** How finely an end of the band is sought: each step halves what is not known of it. */
const HALVINGS = 6;

/** Capacity is met exactly where the last instance too few would be started: what is asked for lies just below. */
const BELOW = 1 - 1e-9;

/**
 * Finds that band by asking the planner: for this function alone in an empty cluster, where it is the freest to move. A rate
 * matters in one direction each: a higher one never lets a planner start less, a lower one in the recent past never lets
 * it keep more. So what does not move at both ends does not move between them.
 *
 * @param instances the function's own
 * @returns undefined where the planner would move something now
 */
export function steadyBand(
  demand: FunctionDemand,
  instances: readonly PlannedInstance[],
  nodes: readonly NodeCapacity[],
  planner: Planner,
  rates: RateModel,
): SteadyBand | undefined {
  const alone: ClusterSnapshot = { nodes, instances, leaving: [] };
  const isSteadyAt = (ratePerSecond: number, recentRatePerSecond: number): boolean => {
    const { start, stop } = planner([{ ...demand, ratePerSecond, recentRatePerSecond }], alone, rates);
    return start.length + stop.length === 0;
  };
  const { ratePerSecond, recentRatePerSecond } = demand;
  if (!isSteadyAt(ratePerSecond, recentRatePerSecond)) return undefined;
  const recentAbove = (rate: number): number => Math.max(rate, recentRatePerSecond);
  const mostPerSecond = lastSteady(ratePerSecond, capacityOf(demand, instances, rates) * BELOW, (rate) =>
    isSteadyAt(rate, recentAbove(rate)),
  );
  const known = Number.isFinite(recentRatePerSecond) ? recentRatePerSecond : mostPerSecond;
  const leastRecentPerSecond = isSteadyAt(Math.min(known, mostPerSecond), known)
    ? lastSteady(known, 0, (rate) => isSteadyAt(Math.min(rate, mostPerSecond), rate))
    : recentRatePerSecond;
  return { leastRecentPerSecond, mostPerSecond };
}

/** The rate nearest to `limit` at which it is steady, coming from one at which it is. */
function lastSteady(from: number, limit: number, isSteadyAt: (rate: number) => boolean): number {
  if (isSteadyAt(limit)) return limit;
  let steady = from;
  let unsteady = limit;
  for (let step = 0; step < HALVINGS; step += 1) {
    const middle = (steady + unsteady) / 2;
    if (isSteadyAt(middle)) steady = middle;
    else unsteady = middle;
  }
  return steady;
}

function capacityOf(
  { candidates, sloMs, percentile, arrivalCv }: FunctionDemand,
  instances: readonly PlannedInstance[],
  rates: RateModel,
): number {
  const byConfig = new Map(candidates.map((candidate) => [configKey(candidate.config), candidate]));
  const pool = instances.flatMap(({ config }) => byConfig.get(configKey(config)) ?? []);
  return rates.capacityPerSecond(pool, { sloMs, percentile, arrivalCv });
}
