import { InflessError } from '../../models/base/errors.ts';
import { formatDuration } from '../../models/base/units.ts';
import { formatConfig } from '../../profiles/config.ts';
import type { Candidate, RateModel, Slo } from './model.ts';

/**
 * The tightest SLO, in whole ms, that some config keeps, or undefined without any config. Feasibility is monotone in
 * the SLO, so the answer is found by doubling and halving, whatever the rate model's rule.
 */
export function nearestFeasibleSloMs(
  candidates: readonly Candidate[],
  slo: Slo,
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

/** Refuses an SLO that no config of the table keeps, and names the nearest one that some config does. */
export function requireFeasible(
  name: string,
  candidates: readonly Candidate[],
  slo: Slo,
  rates: RateModel,
): void {
  if (candidates.some((candidate) => rates.feasible(candidate, slo))) return;
  const nearestSloMs = nearestFeasibleSloMs(candidates, slo, rates);
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
  throw new InflessError(
    'SLO_INFEASIBLE',
    `${what}; the fastest, ${formatConfig(fastest.config)}, takes ${formatDuration(fastest.tailMs)}`,
    { remedy: `The nearest feasible SLO is ${nearestSloMs}ms.`, details: { nearestSloMs } },
  );
}
