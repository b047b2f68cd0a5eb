import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSelected, type NodeCapacity, type NodeSelector } from '../../../autoscaler/cluster/node.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';
import { demand, node, PlannedCluster } from '../../support/planning.ts';
import { changes, functions, nodes, withRates } from '../../support/planning-arbitraries.ts';

const LABELS: readonly NodeSelector[] = [{}, { pool: 'a' }, { pool: 'b' }, { pool: 'b', zone: 'east' }];
/** As {@link LABELS}, and what no node has. */
const SELECTORS: readonly NodeSelector[] = [...LABELS, { pool: 'none' }];

const labels = fc.array(fc.constantFrom(...LABELS), { minLength: 4, maxLength: 4 });
const selectors = fc.array(fc.constantFrom(...SELECTORS), { minLength: 4, maxLength: 4 });

function labelled(some: readonly NodeCapacity[], each: readonly NodeSelector[]): NodeCapacity[] {
  return some.map((one, index) => ({ ...one, labels: each[index]! }));
}

function selecting(demands: readonly FunctionDemand[], each: readonly NodeSelector[]): FunctionDemand[] {
  return demands.map((one, index) => ({ ...one, nodeSelector: each[index]! }));
}

describe('functions that may be on some nodes only', () => {
  it('never get an instance on a node that does not match', () => {
    fc.assert(
      fc.property(nodes, labels, functions, selectors, changes, (some, has, declared, asks, steps) => {
        const there = labelled(some, has);
        const cluster = new PlannedCluster(there, percentileRateModel);
        let demands = selecting(declared, asks);
        for (const { rates, outdated } of steps) {
          demands = withRates(demands, rates);
          const { start } = cluster.step(demands); // throws for a node without room
          for (const { functionName, node: name } of start) {
            const { nodeSelector } = demands.find((each) => each.name === functionName)!;
            expect(isSelected(there.find((each) => each.name === name)!, nodeSelector!)).toBe(true);
          }
          cluster.outdate(`f${outdated}`);
        }
      }),
    );
  });

  it('come to rest, with nothing left where it may not be', () => {
    fc.assert(
      fc.property(nodes, labels, functions, selectors, selectors, (some, has, declared, before, after) => {
        const there = labelled(some, has);
        const cluster = new PlannedCluster(there, percentileRateModel);
        cluster.step(selecting(declared, before));
        const demands = selecting(declared, after);
        cluster.settle(demands, 200);
        const { short } = cluster.plan(demands);
        for (const each of demands) {
          const isRight = ({ node: name }: { node: string }) =>
            isSelected(there.find((one) => one.name === name)!, each.nodeSelector!);
          const right = cluster.instancesOf(each.name).filter(isRight);
          const fewest = Math.max(each.minInstances, each.warmInstances);
          const isServed = right.length >= fewest && short.every((one) => one.functionName !== each.name);
          if (isServed) expect(cluster.instancesOf(each.name)).toEqual(right);
        }
      }),
    );
  });

  it('are told why they can have none', () => {
    const cluster = new PlannedCluster([node('a', 8, { labels: { pool: 'a' } })], percentileRateModel);
    const { start, short } = cluster.step([
      demand('here', 10, { nodeSelector: { pool: 'a' } }),
      demand('nowhere', 10, { nodeSelector: { zone: 'east', pool: 'b' } }),
      demand('idle', 0, { nodeSelector: { pool: 'b' }, warmInstances: 1 }),
    ]);
    expect(start.map(({ functionName }) => functionName)).toEqual(['here']);
    expect(short).toEqual([
      {
        functionName: 'nowhere',
        missingPerSecond: 10,
        reason: 'No node has the labels that it asks for: pool=b, zone=east',
      },
      {
        functionName: 'idle',
        missingPerSecond: 0,
        missingInstances: 1,
        reason: 'No node has the labels that it asks for: pool=b',
      },
    ]);
  });

  it('take what their own nodes have, however much there is elsewhere', () => {
    const cluster = new PlannedCluster(
      [node('mine', 4, { labels: { pool: 'a' }, gpuPercents: [100] }), node('large', 100)],
      percentileRateModel,
    );
    const wanted = demand('f', 150, { nodeSelector: { pool: 'a' } });
    const { short } = cluster.step([wanted]);
    expect(short).toEqual([]);
    expect(cluster.instancesOf('f').every((each) => each.node === 'mine')).toBe(true);
  });
});
