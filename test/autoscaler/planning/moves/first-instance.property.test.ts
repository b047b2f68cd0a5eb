import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSelected, type NodeCapacity, type NodeSelector } from '../../../../autoscaler/cluster/node.ts';
import type { ClusterSnapshot, PlacedInstance, Placement } from '../../../../autoscaler/cluster/snapshot.ts';
import type { Candidate } from '../../../../autoscaler/latency/candidate.ts';
import { paperRateModel } from '../../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../../../autoscaler/planning/capacity/rate-model.ts';
import { type FunctionDemand, shortageText } from '../../../../autoscaler/planning/decision.ts';
import { NodeResources } from '../../../../autoscaler/simulation/cluster/node-resources.ts';
import { configKey, formatConfig } from '../../../../profiles/config.ts';
import { candidate, demand, node, PlannedCluster } from '../../../support/planning.ts';
import { changes, functions, withRates } from '../../../support/planning-arbitraries.ts';

/** Plans that follow each other: by then what was stopped for somebody has left, and what starts is there. */
const PLANS = 8;

/**
 * What running has taught: how much slower batches are than their table says, and how bursty arrivals are.
 */
interface Learnt {
  readonly slowdowns: readonly number[];
  readonly arrivalCv: number;
  readonly percentile: number;
  readonly sloShare: number;
}

const learnt: fc.Arbitrary<Learnt> = fc.record({
  slowdowns: fc.oneof(
    fc.constant([1]),
    fc.array(fc.double({ min: 0.5, max: 16, noNaN: true }), { minLength: 1, maxLength: 8 }),
  ),
  arrivalCv: fc.constantFrom(1, 1.5, 2.5, 3, 4, 6),
  percentile: fc.constantFrom(50, 95, 99, 99.9),
  sloShare: fc.constantFrom(0.05, 0.3, 1),
});

/** Small ones, so that many a config is too large for all of them. */
const nodes: fc.Arbitrary<NodeCapacity[]> = fc
  .array(
    fc.record({
      cores: fc.constantFrom(0.2, 0.5, 1, 1.8, 2, 3.9, 8),
      memoryBytes: fc.integer({ min: 5e8, max: 16e9 }),
      gpuPercents: fc.array(fc.constantFrom(20, 100), { maxLength: 2 }),
      labels: fc.constantFrom<NodeSelector>({}, { pool: 'a' }),
    }),
    { maxLength: 4 },
  )
  .map((all) => all.map(({ cores, ...rest }, index) => node(`n${index}`, cores, rest)));

const selectors = fc.array(fc.constantFrom<NodeSelector>({}, {}, { pool: 'a' }), {
  minLength: 4,
  maxLength: 4,
});

function withSelectors(demands: readonly FunctionDemand[], each: readonly NodeSelector[]): FunctionDemand[] {
  return demands.map((one, index) => ({ ...one, nodeSelector: each[index]! }));
}

function withLearnt(demands: readonly FunctionDemand[], each: readonly Learnt[]): FunctionDemand[] {
  return demands.map((one, index) => {
    const { slowdowns, arrivalCv, percentile, sloShare } = each[index]!;
    const candidates = one.candidates.map((table, place) => {
      const slowdown = slowdowns[place % slowdowns.length]!;
      return { ...table, meanMs: table.meanMs * slowdown, tailMs: table.tailMs * slowdown };
    });
    return { ...one, candidates, arrivalCv, percentile, sloMs: Math.max(1, one.sloMs * sloShare) };
  });
}

/** As the loop asks: whoever has requests is kept one instance at least. */
function awake(demands: readonly FunctionDemand[]): FunctionDemand[] {
  return demands.map((each) => (each.ratePerSecond > 0 ? { ...each, warmInstances: 1 } : each));
}

/**
 * Where an instance of a function could be: in what is free, or in what one or two others leave who may be
 * stopped.
 */
function placesFor(
  asked: FunctionDemand,
  demands: readonly FunctionDemand[],
  { nodes: some, instances, leaving }: ClusterSnapshot,
  model: RateModel,
): string[] {
  const eligible = some.filter((each) => isSelected(each, asked.nodeSelector ?? {}));
  return eligible.flatMap((each) => {
    const held: readonly Placement[] = [...instances, ...leaving].filter((one) => one.node === each.name);
    const others = instances.filter((one) => one.node === each.name && one.ready);
    const victims = [
      [],
      ...others.map((one) => [one]),
      ...others.flatMap((one, index) => others.slice(index + 1).map((other) => [one, other])),
    ].filter((some) => mayBeStopped(some, instances, demands, model));
    return victims.flatMap((gone) =>
      asked.candidates
        .filter((one) =>
          fitsBeside(
            one,
            each,
            held.filter((there) => !(gone as readonly Placement[]).includes(there)),
          ),
        )
        .map(({ config }) => `${formatConfig(config)} on ${each.name} without ${gone.map(({ id }) => id)}`),
    );
  });
}

/**
 * Whether each of those they are of keeps its minimum, and one that serves it in time as long as it has
 * requests.
 */
function mayBeStopped(
  victims: readonly PlacedInstance[],
  instances: readonly PlacedInstance[],
  demands: readonly FunctionDemand[],
  model: RateModel,
): boolean {
  return victims.every(({ functionName }) => {
    const owner = demands.find(({ name }) => name === functionName)!;
    const left = instances.filter((one) => {
      if (one.functionName !== functionName || !one.ready || one.outdated || victims.includes(one))
        return false;
      const table = owner.candidates.find((each) => configKey(each.config) === configKey(one.config))!;
      return model.feasible(table, owner);
    });
    return left.length >= Math.max(owner.minInstances, owner.recentRatePerSecond > 0 ? 1 : 0);
  });
}

function fitsBeside({ needs }: Candidate, capacity: NodeCapacity, held: readonly Placement[]): boolean {
  const resources = new NodeResources(capacity);
  try {
    for (const each of held) resources.take(each.needs, each.gpu);
    resources.take(needs);
    return true;
  } catch {
    return false;
  }
}

describe.each<RateModel>([percentileRateModel, paperRateModel])('by the rate model $name', (model) => {
  it('a function with requests gets an instance if there may be room for any, or is told what it is short of', () => {
    fc.assert(
      fc.property(
        nodes,
        functions,
        selectors,
        changes,
        fc.array(learnt, { minLength: 4, maxLength: 4 }),
        (some, declared, asks, steps, times) => {
          const cluster = new PlannedCluster(some, model);
          let demands = withSelectors(declared, asks);
          for (const { rates, outdated } of steps.slice(1)) {
            demands = awake(withRates(demands, rates));
            cluster.step(demands);
            cluster.outdate(`f${outdated}`);
          }
          demands = awake(withRates(withLearnt(demands, times), steps[0]!.rates));
          for (let plans = 1; plans < PLANS; plans += 1) cluster.step(demands);
          const { short } = cluster.step(demands);
          for (const asked of demands.filter(({ ratePerSecond }) => ratePerSecond > 0)) {
            if (cluster.instancesOf(asked.name).length > 0) continue;
            const told = short.find(({ functionName }) => functionName === asked.name);
            expect(told && shortageText(told), `${asked.name} is told nothing`).toMatch(/\w+\.$/);
            expect(placesFor(asked, demands, cluster.snapshot, model), asked.name).toEqual([]);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a function whose SLO is kept only by what no node can hold', () => {
  /** As in the incident: two cores would be enough, but the node has 1.8. */
  const candidates = [candidate(1, 1000, 90), candidate(8, 2000, 40)];
  const small = [node('small', 1.8)];

  it.each([percentileRateModel, paperRateModel])('is served as well as can be: $name', (model) => {
    const cluster = new PlannedCluster(small, model);
    const asked = demand('f', 1, { sloMs: 85, warmInstances: 1, candidates });
    const { start, short } = cluster.step([asked]);
    expect(start.map(({ config }) => formatConfig(config))).toEqual(['b1 c1']);
    expect(short).toEqual([]);
  });
});

describe('a function of which nothing that keeps its SLO finds a place', () => {
  const large = [candidate(1, 1500, 20)];
  /** In time on a core, and late on half of one. */
  const candidates = [candidate(1, 1000, 60), candidate(1, 500, 400)];
  const asked = (name: string) => demand(name, 1, { sloMs: 300, warmInstances: 1, candidates });
  const other = demand('other', 1, { warmInstances: 1, candidates: large });

  it.each([percentileRateModel, paperRateModel])(
    'gets one that is late, and better later: $name',
    (model) => {
      const cluster = new PlannedCluster([node('n', 2)], model);
      cluster.settle([other]);
      const configsOf = (name: string) => cluster.instancesOf(name).map(({ config }) => formatConfig(config));
      const { short } = cluster.step([other, asked('f')]);
      expect(configsOf('f')).toEqual(['b1 c0.5']);
      expect(short).toEqual([{ functionName: 'f', missingPerSecond: 1, missingInstances: 1 }]);
      expect(cluster.step([other, asked('f')]).start).toEqual([]);
      cluster.settle([{ ...other, ratePerSecond: 0, recentRatePerSecond: 0, warmInstances: 0 }, asked('f')]);
      expect(configsOf('f')).toEqual(['b1 c1']);
    },
  );

  it.each([percentileRateModel, paperRateModel])(
    'keeps it, though another has none at all: $name',
    (model) => {
      const cluster = new PlannedCluster([node('n', 2)], model);
      cluster.settle([other]);
      const demands = [other, asked('f'), asked('g')];
      cluster.step(demands);
      for (let plans = 0; plans < 10; plans += 1) {
        const { start, stop, short } = cluster.step(demands);
        expect({ start, stop }).toEqual({ start: [], stop: [] });
        expect(short.map(({ functionName }) => functionName)).toEqual(['f', 'g']);
      }
      expect(['other', 'f', 'g'].map((name) => cluster.instancesOf(name).length)).toEqual([1, 1, 0]);
    },
  );
});
