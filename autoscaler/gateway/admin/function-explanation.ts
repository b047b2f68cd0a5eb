import { setImmediate as nextTurn } from 'node:timers/promises';
import { eligibleNodes } from '../../cluster/eligible-nodes.ts';
import { placeableOn } from '../../cluster/resources.ts';
import type { Controller } from '../../control/controller.ts';
import type { ManagedFunction } from '../../control/managed-function.ts';
import { mismatchText } from '../../latency/table-watch.ts';
import type { FunctionDemand } from '../../planning/decision.ts';
import { type ExplanationReport, explanationReport } from '../../planning/explain/explanation-report.ts';

/**
 * Why a deployed function runs as it does: what would be decided for it now, by the planner that decides.
 *
 * @param ratePerSecond instead of what is measured
 * @throws InflessError FUNCTION_NOT_FOUND for one that was removed meanwhile; SLO_INFEASIBLE where running
 * has shown that no config that a node can hold keeps the SLO
 */
export async function explanationOf(
  managed: ManagedFunction,
  controller: Controller,
  ratePerSecond?: number,
): Promise<ExplanationReport> {
  const { name, times, headroom } = managed;
  const { decision, input } = await controller.consider(name, (seen) => asked(seen, ratePerSecond, headroom));
  const { cluster, rates } = input;
  const { seen } = decision;
  const placeable = placeableOn(eligibleNodes(cluster.nodes, seen.nodeSelector).kinds, seen.candidates);
  const request = {
    decision,
    candidates: placeable.length > 0 ? placeable : seen.candidates,
    slo: { sloMs: seen.sloMs, percentile: seen.percentile, arrivalCv: seen.arrivalCv },
    rates,
    ratePerSecond: seen.ratePerSecond,
    expectedPerSecond: seen.ratePerSecond / headroom,
    fewest: Math.max(seen.minInstances, seen.warmInstances),
    times,
    running: cluster.instances
      .filter(({ functionName }) => functionName === name)
      .map(({ config }) => config),
  };
  const report = await explanationReport(request, nextTurn);
  const { tableMismatches } = managed;
  return tableMismatches.length === 0 ? report : { ...report, tableMismatch: mismatchText(tableMismatches) };
}

/** At least one instance: for an idle function it is said what the next request would get. */
function asked(seen: FunctionDemand, rate: number | undefined, headroom: number): FunctionDemand {
  const warmInstances = Math.max(1, seen.warmInstances);
  if (rate === undefined) return { ...seen, warmInstances };
  const ratePerSecond = rate * headroom;
  return { ...seen, warmInstances, ratePerSecond, recentRatePerSecond: ratePerSecond };
}
