import type { ConfigCount, Constraint, FunctionDecision, Rejection } from '../decision.ts';
import { shortageOf } from '../moves/shortage.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';
import { type Counts, present } from '../targets/offer.ts';
import { constraintOf } from './constraint.ts';
import { type MadePlan, targetRate } from './made-plan.ts';
import { rejectionsOf } from './rejections.ts';

/**
 * What was decided for one function. What binds it, and what was rejected, is worked out when it is first
 * read: few readers ask, and it would take longer than to decide.
 */
export function functionDecision(made: MadePlan): FunctionDecision {
  const { plan, target } = made;
  const shortage = shortageOf(plan);
  let constraint: Constraint | undefined;
  let rejected: readonly Rejection[] | undefined;
  return {
    name: plan.demand.name,
    seen: plan.demand,
    before: configCounts(plan, plan.countsBefore),
    after: configCounts(plan, plan.counts),
    carriedPerSecond: plan.capacityBefore,
    plannedSloMs: plan.offers.slo.sloMs,
    target: configCounts(plan, target.counts),
    targetPerSecond: targetRate(made),
    ...(shortage === undefined ? {} : { shortage }),
    get constraint() {
      constraint ??= constraintOf(made, shortage);
      return constraint;
    },
    get rejected() {
      rejected ??= rejectionsOf(made);
      return rejected;
    },
  };
}

function configCounts(plan: FunctionPlan, counts: Counts): ConfigCount[] {
  return present(counts).map((index) => ({
    config: plan.offer(index).candidate.config,
    instances: counts[index]!,
  }));
}
