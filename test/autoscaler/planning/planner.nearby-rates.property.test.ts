import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eligibleNodes } from '../../../autoscaler/cluster/eligible-nodes.ts';
import { paperRateModel } from '../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../../autoscaler/planning/capacity/rate-model.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';
import { FunctionPlan } from '../../../autoscaler/planning/targets/function-plan.ts';
import { completed, costOf } from '../../../autoscaler/planning/targets/pool-search.ts';
import { node, PlannedCluster } from '../../support/planning.ts';
import { functions } from '../../support/planning-arbitraries.ts';

const ROOMY = [
  node('cpu', 1e7, { memoryBytes: 1e18 }),
  node('gpu', 1e7, { memoryBytes: 1e18, gpuPercents: new Array(2_000).fill(100) }),
];

/**
 * Moves beyond those that growth by a share needs: the last instance may be another one, and another one's.
 */
const FEW = 4;
/** A set is whole instances: one more of them may cost so much that another set altogether is the cheaper. */
const SELDOM = 0.03;

const ROUNDING = 1 + 1e-9;

const growth = fc.integer({ min: 1, max: 50 }).map((perMille) => 1 + perMille / 1000);

const asked = fc
  .tuple(functions, fc.integer({ min: 1, max: 10 }))
  .map(([all, times]) => all.map((each) => at({ ...each, maxInstances: 1_000 }, each.ratePerSecond * times)));

function at(each: FunctionDemand, ratePerSecond: number): FunctionDemand {
  return { ...each, ratePerSecond, recentRatePerSecond: ratePerSecond };
}

/** One function as a plan finds it. */
function found(cluster: PlannedCluster, asks: FunctionDemand, rates: RateModel): FunctionPlan {
  const instances = cluster.instancesOf(asks.name);
  return new FunctionPlan(asks, { instances, leaving: 0 }, rates, eligibleNodes(ROOMY));
}

describe.each<RateModel>([percentileRateModel, paperRateModel])(
  'asked for a little more, by $name',
  (rates) => {
    it('a plan moves little, or what it moves more costs no more than the least that could be added', () => {
      let seen = 0;
      let large = 0;
      fc.assert(
        fc.property(asked, growth, (demands, factor) => {
          const cluster = new PlannedCluster(ROOMY, rates);
          cluster.settle(demands);
          const more = demands.map((each) => at(each, each.ratePerSecond * factor));
          const before = more.map((each) => found(cluster, each, rates));
          const moves = new Map<string, number>();
          for (
            let plan = cluster.step(more);
            plan.start.length + plan.stop.length > 0;
            plan = cluster.step(more)
          ) {
            for (const { functionName } of [...plan.start, ...plan.stop])
              moves.set(functionName, (moves.get(functionName) ?? 0) + 1);
          }
          more.forEach((each, index) => {
            const plan = before[index]!;
            const moved = moves.get(each.name) ?? 0;
            seen += 1;
            if (moved <= (factor - 1) * plan.size + FEW) return;
            large += 1;
            const request = plan.poolRequest(each.ratePerSecond);
            const added = completed(request, plan.counts)!;
            const after = found(cluster, each, rates).counts;
            expect(costOf(request, after)).toBeLessThanOrEqual(costOf(request, added) * ROUNDING);
          });
        }),
        { numRuns: 60 },
      );
      expect(large / seen).toBeLessThan(SELDOM);
    });
  },
);
