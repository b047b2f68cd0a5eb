import { formatConfig } from '../../../profiles/config.ts';
import type { FunctionResult, SimulationResult } from '../../simulation/result.ts';
import { costOf, type Prices } from '../inputs/cluster.ts';
import type { PlannedFunction } from '../inputs/functions.ts';
import { HOLDINGS, type RequestCounts, type SeriesRecorder } from '../series/series-recorder.ts';
import type { Bins } from '../series/step-series.ts';
import type { Course, FunctionReport, PolicyReport, Violations } from './report.ts';

export interface PolicyRun {
  readonly description: string;
  readonly result: SimulationResult;
  readonly recorder: SeriesRecorder;
  readonly bins: Bins;
  readonly functions: readonly PlannedFunction[];
  readonly prices: Prices | undefined;
  readonly interrupted: boolean;
}

/** What one policy's run comes to. */
export function policyReport(run: PolicyRun): PolicyReport {
  const { result, recorder, bins, interrupted, description } = run;
  const endMs = bins.fromMs + result.measuredMs;
  const functions = result.functions.map((each) => functionReport(each, run));
  const cold = sum(functions.map(({ coldStarts }) => coldStarts));
  const resources = Object.fromEntries(
    HOLDINGS.map((holding) => {
      const series = recorder.held(holding);
      return [holding, { mean: series.mean(endMs), peak: series.peak }];
    }),
  ) as PolicyReport['resources'];
  return {
    description,
    measuredMs: result.measuredMs,
    interrupted,
    met: functions.every(({ met }) => met),
    requests: result.requests,
    inTimeShare: result.inTimeShare,
    violations: {
      late: sum(functions.map(({ violations }) => violations.late)),
      rejected: sum(functions.map(({ violations }) => violations.rejected)),
      failed: sum(functions.map(({ violations }) => violations.failed)),
      share: result.violationShare,
    },
    coldStarts: { requests: cold, share: result.coldStartShare },
    instanceStarts: result.starts,
    movesPerMinute: result.movesPerMinute,
    resources,
    cost: costReport(resources, result, run.prices),
    functions,
    course: courseOf(run, endMs),
  };
}

function functionReport(result: FunctionResult, { recorder, functions }: PolicyRun): FunctionReport {
  const { spec } = functions.find((each) => each.spec.name === result.name)!;
  return {
    name: result.name,
    met: result.inTimeShare >= spec.percentile / 100,
    requests: result.requests,
    inTimeShare: result.inTimeShare,
    violations: violationsOf(result, recorder.countsOf(result.name)),
    coldStarts: result.cold,
    p50Ms: finite(result.p50Ms),
    p99Ms: finite(result.p99Ms),
  };
}

function violationsOf(result: FunctionResult, counts: RequestCounts): Violations {
  const rejected = Math.min(result.failed, sum(counts.rejected));
  return {
    late: result.late,
    rejected,
    failed: result.failed - rejected,
    share: 1 - result.inTimeShare,
  };
}

function costReport(
  { cores, gpuPercent, memoryBytes }: PolicyReport['resources'],
  { measuredMs, requests }: SimulationResult,
  prices: Prices | undefined,
): PolicyReport['cost'] {
  if (prices === undefined || measuredMs === 0) return null;
  const hourMs = 3_600_000;
  const perHour = costOf(
    {
      cpuMillicoreMs: cores.mean * 1000 * hourMs,
      gpuPercentMs: gpuPercent.mean * hourMs,
      memoryByteMs: memoryBytes.mean * hourMs,
    },
    prices,
  );
  const perMillionRequests = requests === 0 ? null : (perHour * (measuredMs / hourMs) * 1e6) / requests;
  return { perHour, perMillionRequests };
}

function courseOf({ recorder, bins, functions }: PolicyRun, endMs: number): Course {
  const length = Math.ceil((endMs - bins.fromMs) / bins.binMs);
  return {
    binMs: bins.binMs,
    resources: Object.fromEntries(
      HOLDINGS.map((holding) => [holding, recorder.held(holding).means(endMs).map(rounded)]),
    ) as unknown as Course['resources'],
    functions: functions.map(({ spec: { name } }) => ({
      name,
      counts: cut(recorder.countsOf(name), length),
      configs: recorder
        .configsOf(name)
        .map(({ config, instances }) => ({
          config,
          text: formatConfig(config),
          mean: instances.mean(endMs),
          peak: instances.peak,
          instances: instances.means(endMs).map(rounded),
        }))
        .filter(({ peak }) => peak > 0)
        .sort((a, b) => b.mean - a.mean),
    })),
  };
}

function cut(counts: RequestCounts, length: number): RequestCounts {
  const { arrivals, cold, inTime, late, rejected, failed } = counts;
  const first = (values: readonly number[]): number[] => values.slice(0, length);
  return {
    arrivals: first(arrivals),
    cold: first(cold),
    inTime: first(inTime),
    late: first(late),
    rejected: first(rejected),
    failed: first(failed),
  };
}

/** Three decimals are more than a chart shows, and a tenth of the bytes. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
