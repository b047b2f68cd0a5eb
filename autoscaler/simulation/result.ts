import type { RequestSummary } from './meters/request-meter.ts';
import type { ResourceTotals } from './meters/resource-meter.ts';
import type { Sample } from './meters/timeline.ts';

export interface FunctionResult extends RequestSummary {
  readonly name: string;
  readonly inTimeShare: number;
}

/** How a policy did, in the figures that the paper reports and some more. Shares are in 0…1. */
export interface SimulationResult {
  readonly policy: string;
  /** How long was measured: less than asked for where a run was ended early. */
  readonly measuredMs: number;
  readonly requests: number;
  readonly inTimeShare: number;
  /** Late, rejected or failed. */
  readonly violationShare: number;
  /** Requests that arrived when their function had no instance ready. */
  readonly coldStartShare: number;
  /** Mean price of what was held, in GFLOPS: see plan/price.ts. */
  readonly meanPrice: number;
  readonly meanCpuMillicores: number;
  readonly meanGpuPercent: number;
  /** Requests in time per GFLOPS-second of what was held. */
  readonly throughputPerPrice: number;
  /** Mean over functions and time of the rate over what the instances could carry were it a fluid. */
  readonly scalingEfficiency: number;
  /** Free resource of nodes in use into which no config fits, over all there is; mean over time. */
  readonly fragmentation: number;
  /** Starts and stops. */
  readonly movesPerMinute: number;
  readonly starts: number;
  readonly crashes: number;
  /** Starts for which a node had no room. */
  readonly refusedStarts: number;
  readonly functions: readonly FunctionResult[];
  readonly timeline: readonly Sample[];
}

export interface Measurements {
  readonly measuredMs: number;
  readonly totals: ResourceTotals;
  readonly timeline: readonly Sample[];
  readonly requests: readonly (RequestSummary & { readonly name: string })[];
}

export function summarize(policy: string, measured: Measurements): SimulationResult {
  const { measuredMs, totals, timeline, requests: functions } = measured;
  const sum = (of: (each: RequestSummary) => number): number =>
    functions.reduce((total, each) => total + of(each), 0);
  const requests = sum((each) => each.requests);
  const inTime = sum((each) => each.inTime);
  const { starts, stops, crashes, refused } = totals;
  return {
    policy,
    measuredMs,
    requests,
    inTimeShare: share(inTime, requests, 1),
    violationShare: 1 - share(inTime, requests, 1),
    coldStartShare: share(
      sum((each) => each.cold),
      requests,
      0,
    ),
    meanPrice: share(totals.priceMs, measuredMs, 0),
    meanCpuMillicores: share(totals.cpuMillicoreMs, measuredMs, 0),
    meanGpuPercent: share(totals.gpuPercentMs, measuredMs, 0),
    throughputPerPrice: share(inTime, totals.priceMs / 1000, 0),
    scalingEfficiency: mean(
      timeline.flatMap((sample, at) => efficienciesOf(sample, timeline[at - 1]?.atMs ?? 0)),
    ),
    fragmentation: mean(timeline.map((sample) => sample.fragmentation)),
    movesPerMinute: share((starts + stops) * 60_000, measuredMs, 0),
    starts,
    crashes,
    refusedStarts: refused,
    functions: functions.map((each) => ({ ...each, inTimeShare: share(each.inTime, each.requests, 1) })),
    timeline,
  };
}

function efficienciesOf({ functions, atMs }: Sample, fromMs: number): number[] {
  const seconds = (atMs - fromMs) / 1000;
  return functions.flatMap(({ arrivals, fluidPerSecond }) =>
    fluidPerSecond > 0 ? [Math.min(1, arrivals / seconds / fluidPerSecond)] : [],
  );
}

function share(part: number, whole: number, ofNothing: number): number {
  return whole === 0 ? ofNothing : part / whole;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
}
