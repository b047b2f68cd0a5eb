import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eligibleNodes } from '../../../autoscaler/cluster/eligible-nodes.ts';
import { priceOf } from '../../../autoscaler/cluster/price.ts';
import { exceeded, fitsOn } from '../../../autoscaler/cluster/resources.ts';
import type { ClusterSnapshot } from '../../../autoscaler/cluster/snapshot.ts';
import type { Candidate } from '../../../autoscaler/latency/candidate.ts';
import { paperRateModel } from '../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel, SloUnderLoad } from '../../../autoscaler/planning/capacity/rate-model.ts';
import type {
  ConfigCount,
  FunctionDecision,
  FunctionDemand,
  ScalingDecision,
} from '../../../autoscaler/planning/decision.ts';
import { planCluster } from '../../../autoscaler/planning/planner.ts';
import { dot, vectorOf } from '../../../models/base/resources.ts';
import { type Config, configKey } from '../../../profiles/config.ts';
import { type Made, PlannedCluster } from '../../support/planning.ts';
import { changes, functions, nodes, withRates } from '../../support/planning-arbitraries.ts';

interface Seen extends Made {
  readonly demands: readonly FunctionDemand[];
  /** What the decision was made of. */
  readonly snapshot: ClusterSnapshot;
}

/** Decisions for clusters as they come to be: rates change, functions are redeployed. */
function forEachDecision(rates: RateModel, check: (seen: Seen) => void, numRuns = 60): void {
  fc.assert(
    fc.property(nodes, functions, changes, (some, declared, steps) => {
      const cluster = new PlannedCluster(some, rates);
      let demands: readonly FunctionDemand[] = declared;
      for (const { rates: next, outdated } of steps) {
        demands = withRates(demands, next);
        cluster.step(demands);
        const { snapshot } = cluster;
        check({ ...cluster.stepAtOnce(demands), demands, snapshot });
        cluster.outdate(`f${outdated}`);
      }
    }),
    { numRuns },
  );
}

function countOf(counts: readonly ConfigCount[], config: Config): number {
  return counts.find((each) => configKey(each.config) === configKey(config))?.instances ?? 0;
}

/** How many instances have to come or go until what runs is the target. */
function distance(counts: readonly ConfigCount[], target: readonly ConfigCount[]): number {
  const configs = new Map([...counts, ...target].map(({ config }) => [configKey(config), config]));
  return [...configs.values()].reduce(
    (sum, config) => sum + Math.abs(countOf(counts, config) - countOf(target, config)),
    0,
  );
}

function decisionOf({ functions: all }: ScalingDecision, name: string): FunctionDecision {
  return all.find((each) => each.name === name)!;
}

describe.each<RateModel>([percentileRateModel, paperRateModel])('a decision by $name', (rates) => {
  it('has one entry for each demand, in order, and tells what runs before and after', () => {
    forEachDecision(rates, ({ decision, demands, snapshot, start, stop }) => {
      expect(decision.functions.map(({ name }) => name)).toEqual(demands.map(({ name }) => name));
      for (const { name, before, after, carriedPerSecond, plannedSloMs, seen } of decision.functions) {
        const own = snapshot.instances.filter((each) => each.functionName === name);
        const counted = own.filter(({ config }) => countOf(before, config) > 0);
        expect(before.reduce((sum, { instances }) => sum + instances, 0)).toBeLessThanOrEqual(own.length);
        const pool = before.flatMap(({ config, instances }) => {
          const found = seen.candidates.find((each) => configKey(each.config) === configKey(config))!;
          return Array.from({ length: instances }, () => found);
        });
        const slo = { sloMs: plannedSloMs, percentile: seen.percentile, arrivalCv: seen.arrivalCv };
        expect(rates.capacityPerSecond(pool, slo)).toBeCloseTo(carriedPerSecond, 6);
        expect(counted.length).toBeGreaterThanOrEqual(before.length);
        const moves = start.length + stop.length;
        if (moves === 0) expect(after).toEqual(before);
      }
    });
  });

  it('gives every action a reason that is true of what it was made of', () => {
    forEachDecision(rates, ({ decision, demands, snapshot }) => {
      for (const action of decision.actions) {
        const asked = demands.find(({ name }) => name === action.functionName)!;
        const { before, target, carriedPerSecond } = decisionOf(decision, action.functionName);
        const size = before.reduce((sum, { instances }) => sum + instances, 0);
        const instance = snapshot.instances.find(({ id }) => action.type === 'stop' && id === action.id);
        const isWanted = countOf(before, action.config) <= countOf(target, action.config);
        switch (action.reason) {
          case 'growth':
            expect(asked.ratePerSecond).toBeGreaterThan(carriedPerSecond);
            break;
          case 'minimum':
            expect(size).toBeLessThan(asked.minInstances);
            break;
          case 'keep-alive':
            expect(asked.ratePerSecond).toBeLessThanOrEqual(carriedPerSecond);
            expect(size).toBeLessThan(Math.max(asked.minInstances, asked.warmInstances));
            break;
          case 'replacement':
            // In the place of what is obsolete, or because the target is another set.
            expect(snapshot.instances.some(({ outdated }) => outdated) || distance(before, target) > 0).toBe(
              true,
            );
            break;
          case 'idle':
            expect(asked.recentRatePerSecond).toBe(0);
            break;
          case 'release':
            expect(isWanted && size <= asked.maxInstances).toBe(false);
            break;
          case 'obsolete':
            expect(instance!.outdated || countOf(before, action.config) === 0).toBe(true);
            break;
          case 'preemption':
            expect(demands.map(({ name }) => name)).toContain(action.makesRoomFor);
            break;
        }
      }
    });
  });

  it('leads towards the target where all are carried', () => {
    forEachDecision(rates, ({ decision, short }) => {
      if (short.length > 0) return;
      for (const { name, before, after, target } of decision.functions) {
        const actions = decision.actions.filter(({ functionName }) => functionName === name);
        if (actions.some(({ reason }) => reason === 'preemption' || reason === 'obsolete')) continue;
        const moved = distance(before, target) - distance(after, target);
        expect(moved).toBe(actions.length);
      }
    });
  });

  it('names what binds every function that is short, and nothing only where nothing is needed', () => {
    forEachDecision(rates, ({ decision }) => {
      for (const { constraint, shortage, target, seen } of decision.functions) {
        if (shortage?.maxInstances !== undefined && shortage.reason === undefined)
          expect(constraint).toBe('max-instances');
        else if (shortage !== undefined) expect(constraint).toMatch(/^cluster-/);
        else if (constraint === 'none') {
          expect(target).toEqual([]);
          expect(seen.ratePerSecond).toBe(0);
        }
      }
    });
  });

  it('rejects nothing for a reason that is not so', () => {
    forEachDecision(
      rates,
      ({ decision, snapshot }) => {
        for (const each of decision.functions) checkRejections(each, decision, snapshot, rates);
      },
      40,
    );
  });

  it('is the same for the same input', () => {
    forEachDecision(
      rates,
      ({ decision, demands, snapshot }) => {
        const input = { demands: structuredClone(demands), cluster: structuredClone(snapshot), rates };
        expect(structuredClone(planCluster(input))).toEqual(structuredClone(decision));
      },
      30,
    );
  });
});

/** What equal instances of a config would cost beside the target, worked out the long way. */
function costsOf(
  { seen, target, before, targetPerSecond }: FunctionDecision,
  { prices }: ScalingDecision,
  slo: SloUnderLoad,
  rates: RateModel,
): { of(candidate: Candidate): number; readonly ofTarget: number } {
  const candidateOf = (config: Config) =>
    seen.candidates.find((each) => configKey(each.config) === configKey(config))!;
  const carried = (pool: readonly ConfigCount[]) =>
    rates.capacityPerSecond(
      pool.flatMap(({ config, instances }) => new Array<Candidate>(instances).fill(candidateOf(config))),
      slo,
    );
  const cost = ({ config, instances }: ConfigCount) => {
    const candidate = candidateOf(config);
    const one = priceOf(config) + 2 + dot(candidate.needs, vectorOf(prices));
    const started = Math.max(0, instances - countOf(before, config));
    return one * (instances + (started * candidate.startupMs) / 30_000);
  };
  const { minInstances, warmInstances, maxInstances } = seen;
  const fewest = Math.max(1, Math.min(maxInstances, Math.max(minInstances, warmInstances)));
  return {
    of({ config }) {
      const isEnough = (instances: number) =>
        instances >= fewest && carried([{ config, instances }]) >= targetPerSecond * (1 - 1e-12);
      let low = 0;
      let high = 1;
      while (!isEnough(high)) [low, high] = [high, high * 2];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (isEnough(middle)) high = middle;
        else low = middle;
      }
      return cost({ config, instances: high });
    },
    ofTarget: target.reduce((sum, each) => sum + cost(each), 0),
  };
}

function checkRejections(
  decided: FunctionDecision,
  decision: ScalingDecision,
  snapshot: ClusterSnapshot,
  rates: RateModel,
): void {
  const { seen, target, rejected, plannedSloMs } = decided;
  const slo = { sloMs: plannedSloMs, percentile: seen.percentile, arrivalCv: seen.arrivalCv };
  const costs = costsOf(decided, decision, slo, rates);
  const candidateOf = (config: Config) =>
    seen.candidates.find((each) => configKey(each.config) === configKey(config))!;
  const { kinds } = eligibleNodes(snapshot.nodes, seen.nodeSelector);
  expect(new Set(rejected.map(({ config }) => configKey(config))).size).toBe(rejected.length);
  for (const { config, because, figure } of rejected) {
    expect(countOf(target, config)).toBe(0);
    const candidate = candidateOf(config);
    switch (because) {
      case 'slo':
        expect(rates.feasible(candidate, slo)).toBe(false);
        expect(rates.feasible(candidate, { ...slo, sloMs: figure })).toBe(true);
        expect(rates.feasible(candidate, { ...slo, sloMs: figure - 1 })).toBe(false);
        break;
      case 'limits':
        expect(figure).toBeGreaterThan(1);
        if (candidate === undefined) expect(exceeded(config, { cpu: 0, gpu: 0 })).toBeDefined();
        break;
      case 'no-node':
        expect(figure).toBeGreaterThan(1);
        if (snapshot.instances.length + snapshot.leaving.length + decision.actions.length === 0)
          expect(kinds.some((node) => fitsOn(candidate, node) && figure === Infinity)).toBe(false);
        break;
      case 'costlier':
        expect(rates.feasible(candidate, slo)).toBe(true);
        expect(figure).toBeGreaterThan(1);
        if (figure < 3) expect(costs.of(candidate) / costs.ofTarget).toBeCloseTo(figure, 6);
        break;
    }
  }
}
