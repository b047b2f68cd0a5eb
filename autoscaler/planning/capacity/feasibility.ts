import { InflessError } from '../../../models/base/errors.ts';
import { formatDuration } from '../../../models/base/units.ts';
import { formatConfig } from '../../../profiles/config.ts';
import { priceOf } from '../../cluster/price.ts';
import { exceeded, type InstanceLimits } from '../../cluster/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel, SloUnderLoad } from './rate-model.ts';

/**
 * The tightest SLO, in whole ms, that some config keeps, or undefined without any config. Feasibility is
 * monotone in the SLO, so the answer is found by doubling and halving, whatever the rate model's rule.
 */
export function nearestFeasibleSloMs(
  candidates: readonly Candidate[],
  slo: SloUnderLoad,
  rates: RateModel,
): number | undefined {
  const keeps = (sloMs: number): boolean =>
    candidates.some((each) => rates.feasible(each, { ...slo, sloMs }));
  if (candidates.length === 0) return undefined;
  let high = 1;
  while (!keeps(high)) high *= 2;
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (keeps(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** What a function would have without its limits. */
export interface Unlimited {
  readonly limits: InstanceLimits;
  readonly candidates: readonly Candidate[];
}

/**
 * Refuses an SLO that no config keeps, and names the nearest one that some config does or, where only limits
 * are in the way, those.
 *
 * @throws InflessError SLO_INFEASIBLE
 */
export function requireFeasible(
  name: string,
  candidates: readonly Candidate[],
  slo: SloUnderLoad,
  rates: RateModel,
  unlimited?: Unlimited,
): void {
  const keeps = (candidate: Candidate): boolean => rates.feasible(candidate, slo);
  if (candidates.some(keeps)) return;
  const nearestSloMs = nearestFeasibleSloMs(candidates, slo, rates);
  const larger = unlimited?.candidates.filter(keeps) ?? [];
  if (larger.length > 0) throw limited(name, slo, unlimited!.limits, larger, nearestSloMs);
  const what = `No config of function "${name}" answers within ${formatDuration(slo.sloMs)} at p${slo.percentile}`;
  if (nearestSloMs === undefined) {
    throw new InflessError(
      'SLO_INFEASIBLE',
      `${what}: its profile table has no cell within the function's limits`,
      {
        remedy: 'Raise maxBatch, or profile the model with smaller batches and quotas.',
      },
    );
  }
  const fastest = candidates.reduce((a, b) => (b.tailMs < a.tailMs ? b : a));
  const waits = fastest.tailMs < slo.sloMs ? ', and requests also wait for their turn' : '';
  throw new InflessError(
    'SLO_INFEASIBLE',
    `${what}; the fastest, ${formatConfig(fastest.config)}, takes ${formatDuration(fastest.tailMs)}${waits}`,
    { remedy: `The nearest feasible SLO is ${nearestSloMs}ms.`, details: { nearestSloMs } },
  );
}

/** @param larger configs beyond the limits that keep the SLO */
function limited(
  name: string,
  slo: SloUnderLoad,
  limits: InstanceLimits,
  larger: readonly Candidate[],
  nearestSloMs: number | undefined,
): InflessError {
  const { config } = larger.reduce((a, b) => (priceOf(b.config) < priceOf(a.config) ? b : a));
  const within = `answers within ${formatDuration(slo.sloMs)} at p${slo.percentile}`;
  const nearest =
    nearestSloMs === undefined
      ? 'No config is within it'
      : `The nearest feasible SLO within it is ${nearestSloMs}ms`;
  return new InflessError(
    'SLO_INFEASIBLE',
    `No config of function "${name}" ${within}, since ${exceeded(config, limits)!}; ${formatConfig(config)} would`,
    {
      remedy: `${nearest}.`,
      ...(nearestSloMs === undefined ? {} : { details: { nearestSloMs } }),
    },
  );
}
