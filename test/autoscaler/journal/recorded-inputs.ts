import type { NodeCapacity } from '../../../autoscaler/cluster/node.ts';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { PROFILE } from '../../support/simulated-functions.ts';

const CANDIDATES = new ServiceTimes(PROFILE).candidates({ maxBatch: 8, percentile: 99 });
const NODES = [1, 2, 3, 4].map((number) =>
  nodeCapacity({ name: `node-${number}`, cpuMillicores: 8_000, memoryBytes: 64e9, gpuPercents: [] }),
);

/** What is asked of a function that has PROFILE as its table. */
export function demandFor(name: string, ratePerSecond: number): FunctionDemand {
  return {
    name,
    sloMs: 200,
    percentile: 99,
    ratePerSecond,
    recentRatePerSecond: ratePerSecond,
    arrivalCv: 1,
    minInstances: 0,
    warmInstances: 1,
    maxInstances: 100,
    candidates: CANDIDATES,
  };
}

/** The first so many nodes, of 8 cores each. */
export function nodesOf(count: number): readonly NodeCapacity[] {
  return NODES.slice(0, count);
}
