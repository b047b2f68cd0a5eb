import { siteOf } from '../../cluster/eligible-nodes.ts';
import { placeableOn } from '../../cluster/resources.ts';
import type { Controller } from '../../control/controller.ts';
import type { ManagedFunction } from '../../control/managed-function.ts';
import { type ExplanationReport, explanationReport } from '../../planning/explain/explanation-report.ts';
import { without } from '../../planning/explain/room-for.ts';

/**
 * Why a deployed function runs as it does, from what the planner is given for it now.
 *
 * @param ratePerSecond instead of what is measured
 * @throws InflessError SLO_INFEASIBLE where running has shown that no config that a node can hold keeps the SLO
 */
export async function explanationOf(
  managed: ManagedFunction,
  controller: Controller,
  ratePerSecond?: number,
): Promise<ExplanationReport> {
  const { name, times, headroom } = managed;
  const { demands, cluster, rates } = await controller.planInput();
  const demand = demands.find((each) => each.name === name)!;
  const neededPerSecond = ratePerSecond === undefined ? demand.ratePerSecond : ratePerSecond * headroom;
  const site = siteOf(cluster.nodes, demand.nodeSelector);
  const placeable = placeableOn(site.kinds, demand.candidates);
  const own = cluster.instances.filter(({ functionName }) => functionName === name);
  const others = cluster.instances.filter(({ functionName }) => functionName !== name);
  return explanationReport({
    name,
    candidates: placeable.length > 0 ? placeable : demand.candidates,
    slo: { sloMs: demand.sloMs, percentile: demand.percentile, arrivalCv: demand.arrivalCv },
    rates,
    ratePerSecond: neededPerSecond,
    expectedPerSecond: neededPerSecond / headroom,
    fewest: Math.max(demand.minInstances, demand.warmInstances),
    maxInstances: demand.maxInstances,
    nodes: without(site.nodes, [...others, ...cluster.leaving]),
    times,
    running: own.map(({ config }) => config),
  });
}
