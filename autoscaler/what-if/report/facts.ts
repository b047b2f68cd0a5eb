import { amountsOf } from '../../../models/base/resources.ts';
import type { ArrivalProcess } from '../../../profiler/load/arrivals/arrivals.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { nearestFeasibleSloMs } from '../../planning/capacity/feasibility.ts';
import type { RateModel } from '../../planning/capacity/rate-model.ts';
import { costOfSlo, type SloCost } from '../../planning/explain/slo-cost.ts';
import type { Need } from '../../planning/explain/uniform-sets.ts';
import { type Cluster, costOf, isLimitless, type Prices } from '../inputs/cluster.ts';
import { candidatesOf, type PlannedFunction } from '../inputs/functions.ts';
import { arrivalCvOf, expectedRequests, type Load, peakPerSecond } from '../inputs/load.ts';
import type { ClusterFacts, FunctionFacts, NodeGroup, SloCostPoint } from './report.ts';

export function clusterFacts({ nodes, startupMs, prices }: Cluster): ClusterFacts {
  const groups = new Map<string, NodeCapacity[]>();
  for (const node of nodes) {
    const { name: _name, ...likeness } = node;
    const key = JSON.stringify(likeness);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return {
    nodes: nodes.length,
    cores: nodes.reduce((sum, { shared }) => sum + shared.cpuMillicores, 0) / 1000,
    gpus: nodes.reduce((sum, { devices }) => sum + devices.length, 0),
    startupMs: startupMs ?? null,
    currency: prices?.currency ?? null,
    groups: [...groups.values()].map(groupOf),
  };
}

function groupOf(nodes: readonly NodeCapacity[]): NodeGroup {
  const { shared, devices } = nodes[0]!;
  const { cpuMillicores, memoryBytes } = shared;
  return {
    count: nodes.length,
    cores: cpuMillicores / 1000,
    memoryBytes: isLimitless(memoryBytes) ? null : memoryBytes,
    gpuPercents: devices.map(({ gpuPercent }) => gpuPercent),
    gpuMemoryBytes: devices.map(({ gpuMemoryBytes }) =>
      Number.isFinite(gpuMemoryBytes) ? gpuMemoryBytes : null,
    ),
  };
}

export interface FactsRequest {
  readonly planned: PlannedFunction;
  readonly load: Load;
  readonly durationMs: number;
  readonly process: ArrivalProcess;
  readonly rates: RateModel;
  /** Capacity over the rate that is provided. */
  readonly headroom: number;
  readonly prices: Prices | undefined;
}

export function functionFacts(request: FactsRequest): FunctionFacts {
  const { planned, load, durationMs, rates, headroom, prices } = request;
  const { name, slo: sloMs, percentile } = planned.spec;
  const candidates = candidatesOf(planned);
  const peak = peakPerSecond(load);
  // Whether a config keeps the SLO at all is asked as the controller does when the function is deployed.
  const alone = { sloMs, percentile, arrivalCv: 1 };
  const need: Need = {
    candidates,
    slo: { ...alone, arrivalCv: arrivalCvOf(load, request.process) },
    rates,
    ratePerSecond: peak * headroom,
    fewest: 1,
  };
  return {
    name,
    sloMs,
    percentile,
    expectedRequests: expectedRequests(load, durationMs),
    peakPerSecond: peak,
    feasible: candidates.some((candidate) => rates.feasible(candidate, alone)),
    nearestSloMs: nearestFeasibleSloMs(candidates, alone, rates) ?? null,
    costOfSlo: costOfSlo(need).map((point) => sloCostPoint(point, peak, prices)),
  };
}

export function sloCostPoint(
  { sloMs, set }: SloCost,
  ratePerSecond: number,
  prices: Prices | undefined,
): SloCostPoint {
  const { candidate, instances, price } = set;
  const { config } = candidate;
  const { cpuMillicores, gpuPercent, memoryBytes } = amountsOf(candidate.needs);
  const hourMs = 3_600_000;
  const held = {
    cpuMillicoreMs: cpuMillicores * instances * hourMs,
    gpuPercentMs: gpuPercent * instances * hourMs,
    memoryByteMs: memoryBytes * instances * hourMs,
  };
  const millionPerHour = (ratePerSecond * 3600) / 1e6;
  return {
    sloMs,
    config,
    instances,
    gflops: price,
    gflopsPerRate: ratePerSecond === 0 ? price : price / ratePerSecond,
    costPerMillionRequests:
      prices === undefined || millionPerHour === 0 ? null : costOf(held, prices) / millionPerHour,
  };
}
