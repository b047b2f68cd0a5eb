import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeCapacity } from '../../../autoscaler/cluster/node.ts';
import { fitsOn } from '../../../autoscaler/cluster/resources.ts';
import { paperRateModel } from '../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../../autoscaler/planning/capacity/rate-model.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';
import { configKey } from '../../../profiles/config.ts';
import { node, PlannedCluster } from '../../support/planning.ts';
import { changes, functions, nodes, withRates } from '../../support/planning-arbitraries.ts';

/** Whether some config that an empty node could hold keeps the SLO. */
function isAttainable(asked: FunctionDemand, nodes: readonly NodeCapacity[], model: RateModel): boolean {
  return asked.candidates.some((it) => model.feasible(it, asked) && nodes.some((each) => fitsOn(it, each)));
}

describe.each<RateModel>([percentileRateModel, paperRateModel])(
  'whatever is asked of a plan by $name',
  (model) => {
    it('no node is over-allocated, no infeasible config is started, no limit is exceeded', () => {
      fc.assert(
        fc.property(nodes, functions, changes, (some, declared, steps) => {
          const cluster = new PlannedCluster(some, model);
          let demands = declared;
          for (const { rates: next, outdated } of steps) {
            demands = withRates(demands, next);
            const had = new Set(cluster.snapshot.instances.map(({ functionName }) => functionName));
            const { start } = cluster.step(demands); // throws for a node without room
            expect(start.length).toBeLessThanOrEqual(1000);
            for (const { functionName, config } of start) {
              const asked = demands.find(({ name }) => name === functionName)!;
              const chosen = asked.candidates.find((each) => configKey(each.config) === configKey(config))!;
              // One that has nothing is given whatever there is room for.
              const isOnly = start.filter((each) => each.functionName === functionName).length === 1;
              const isFirst = isOnly && !had.has(functionName);
              if (isAttainable(asked, some, model) && !isFirst)
                expect(model.feasible(chosen, asked)).toBe(true);
            }
            for (const { name, maxInstances } of demands) {
              const counted = cluster.instancesOf(name).filter((each) => !each.outdated);
              expect(counted.length).toBeLessThanOrEqual(maxInstances);
            }
            cluster.outdate(`f${outdated}`);
          }
        }),
      );
    });

    it('it comes to rest at a constant demand, from wherever it was', () => {
      fc.assert(
        fc.property(nodes, functions, changes, (some, declared, steps) => {
          const cluster = new PlannedCluster(some, model);
          let demands = declared;
          for (const { rates: next, outdated } of steps) {
            demands = withRates(demands, next);
            cluster.step(demands);
            cluster.outdate(`f${outdated}`);
          }
          const constant = withRates(
            demands,
            demands.map(({ ratePerSecond }) => ratePerSecond),
          );
          cluster.settle(constant, 200);
          for (const { name } of constant) {
            expect(cluster.instancesOf(name).some(({ outdated }) => outdated)).toBe(false);
          }
        }),
      );
    });

    it('what is asked for is carried, or told to be short', () => {
      fc.assert(
        fc.property(nodes, functions, (some, demands) => {
          const cluster = new PlannedCluster(some, model);
          const { short } = cluster.step(demands);
          for (const each of demands.filter((asked) => isAttainable(asked, some, model))) {
            const told = short.find(({ functionName }) => functionName === each.name);
            const missing = Math.max(0, each.ratePerSecond - cluster.capacityOf(each));
            expect(told?.missingPerSecond ?? 0).toBeCloseTo(missing, 6);
          }
        }),
      );
    });

    it('where all are carried, instances are given up only when the rest all but carries the recent past', () => {
      fc.assert(
        fc.property(nodes, functions, changes, (some, declared, steps) => {
          const cluster = new PlannedCluster(some, model);
          let demands = declared;
          for (const { rates: next } of steps) {
            demands = withRates(demands, next);
            const { stop, short } = cluster.step(demands);
            for (const each of demands) {
              const reasons = stop.filter(({ functionName }) => functionName === each.name);
              // What is obsolete carried nothing, and another function may need the room more than a recent
              // past does.
              const isGivenUp = reasons.some(({ reason }) => reason === 'release' || reason === 'idle');
              const isTaken = reasons.some(({ reason }) => reason === 'preemption');
              if (!isGivenUp || isTaken || !isAttainable(each, some, model) || short.length > 0) continue;
              expect(cluster.capacityOf(each)).toBeGreaterThanOrEqual(each.recentRatePerSecond * 0.98);
            }
          }
        }),
      );
    });

    it('the same plan comes of the same', () => {
      fc.assert(
        fc.property(nodes, functions, changes, (some, declared, steps) => {
          const cluster = new PlannedCluster(some, model);
          let demands = declared;
          for (const { rates: next } of steps) {
            demands = withRates(demands, next);
            expect(cluster.plan(demands)).toEqual(cluster.plan(structuredClone(demands)));
            cluster.step(demands);
          }
        }),
      );
    });

    it('more demand is never given less, unless that meets it all the same', () => {
      const growth = fc.integer({ min: 101, max: 200 }).map((percent) => percent / 100);
      const roomy = [node('roomy', 10_000, { memoryBytes: 1e15, gpuPercents: new Array(50).fill(100) })];
      fc.assert(
        fc.property(functions, fc.integer({ min: 1, max: 1_500 }), growth, ([asked], less, factor) => {
          const capacityAt = (ratePerSecond: number): number => {
            const cluster = new PlannedCluster(roomy, model);
            const wanted = { ...asked!, ratePerSecond, recentRatePerSecond: ratePerSecond };
            cluster.step([wanted]);
            return cluster.capacityOf(wanted);
          };
          const more = less * factor;
          expect(capacityAt(more)).toBeGreaterThanOrEqual(Math.min(capacityAt(less), more) * (1 - 1e-9));
        }),
      );
    });
  },
);
