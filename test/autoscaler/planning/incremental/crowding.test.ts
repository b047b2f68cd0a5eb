import { describe, expect, it } from 'vitest';
import type { ClusterSnapshot, PlacedInstance } from '../../../../autoscaler/cluster/snapshot.ts';
import type {
  FunctionDecision,
  ScalingDecision,
  Shortage,
} from '../../../../autoscaler/planning/decision.ts';
import { isContended } from '../../../../autoscaler/planning/incremental/crowding.ts';
import { demand, node } from '../../../support/planning.ts';
import { needsOf } from '../../../support/resources.ts';

const NOTHING: Pick<ScalingDecision, 'functions'> = { functions: [] };

function short(shortage: Shortage): FunctionDecision {
  const seen = demand(shortage.functionName, 1);
  return {
    name: seen.name,
    seen,
    before: [],
    after: [],
    carriedPerSecond: 0,
    plannedSloMs: seen.sloMs,
    target: [],
    targetPerSecond: 0,
    constraint: 'cluster-cpu',
    shortage,
    rejected: [],
  };
}

function holding(cpuMillicores: number, gpuPercent = 0, memoryBytes = 0): PlacedInstance {
  const config = { batch: 1, cpuMillicores, gpuPercent };
  return {
    id: 'i',
    functionName: 'f',
    config,
    node: 'n',
    needs: needsOf(config, memoryBytes),
    ready: true,
    outdated: false,
  };
}

function cluster(...instances: PlacedInstance[]): ClusterSnapshot {
  return { nodes: [node('n', 10, { gpuPercents: [100], memoryBytes: 10e9 })], instances, leaving: [] };
}

describe('a cluster', () => {
  it('is crowded from nine tenths of any resource on, what leaves included', () => {
    const at = (snapshot: ClusterSnapshot) => isContended(snapshot, NOTHING);
    expect(at(cluster(holding(9_000, 90, 9e9)))).toBe(false);
    expect(at(cluster(holding(9_500)))).toBe(true);
    expect(at(cluster(holding(1_000, 95)))).toBe(true);
    expect(at(cluster(holding(1_000, 0, 9.5e9)))).toBe(true);
    expect(at({ ...cluster(holding(5_000)), leaving: [holding(4_500)] })).toBe(true);
  });

  it('is crowded where somebody is short whom more room would help', () => {
    const at = (shortage: Partial<Shortage>) =>
      isContended(cluster(holding(1_000)), {
        functions: [short({ functionName: 'f', missingPerSecond: 1, ...shortage })],
      });
    expect(at({})).toBe(true);
    expect(at({ maxInstances: 1 })).toBe(false);
    expect(at({ reason: 'There is no node' })).toBe(false);
  });
});
