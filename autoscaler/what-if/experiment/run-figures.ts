import { LATENCY_PERCENTILES } from '../../simulation/meters/request-meter.ts';
import type { SimulationResult } from '../../simulation/result.ts';
import type { ExperimentRun } from './settings.ts';

/** What one run came to: what its journal keeps, and all that is written is made from. */
export interface RunFigures {
  readonly requests: number;
  readonly inTimeShare: number;
  readonly coldStartShare: number;
  readonly meanCores: number;
  readonly meanGpuPercent: number;
  readonly meanGflops: number;
  readonly starts: number;
  readonly crashes: number;
  readonly movesPerMinute: number;
  readonly functions: readonly FunctionFigures[];
  /** Of equal stretches of time: what was held, in GFLOPS, and the share in time. */
  readonly course: readonly {
    readonly atMs: number;
    readonly gflops: number;
    readonly inTimeShare: number;
  }[];
}

export interface FunctionFigures {
  readonly name: string;
  readonly sloMs: number;
  readonly requests: number;
  readonly inTime: number;
  readonly late: number;
  readonly failed: number;
  readonly cold: number;
  /** In ms, of {@link LATENCY_PERCENTILES}. */
  readonly latenciesMs: readonly number[];
}

/** A run that failed, in a sentence: a policy of the user's, mostly. */
export interface RunFailure {
  readonly failure: string;
}

export type RunOutcome = RunFigures | RunFailure;

export function isFailure(outcome: RunOutcome): outcome is RunFailure {
  return 'failure' in outcome;
}

export function figuresOf(result: SimulationResult, sloMs: ReadonlyMap<string, number>): RunFigures {
  return {
    requests: result.requests,
    inTimeShare: result.inTimeShare,
    coldStartShare: result.coldStartShare,
    meanCores: result.meanCpuMillicores / 1000,
    meanGpuPercent: result.meanGpuPercent,
    meanGflops: result.meanPrice,
    starts: result.starts,
    crashes: result.crashes,
    movesPerMinute: result.movesPerMinute,
    functions: result.functions.map(({ name, requests, inTime, late, failed, cold, latenciesMs }) => ({
      name,
      sloMs: sloMs.get(name)!,
      requests,
      inTime,
      late,
      failed,
      cold,
      latenciesMs,
    })),
    course: result.timeline.map(({ atMs, price, functions }) => {
      const arrivals = functions.reduce((sum, each) => sum + each.arrivals, 0);
      const inTime = functions.reduce((sum, each) => sum + each.inTime, 0);
      return { atMs, gflops: Math.round(price), inTimeShare: arrivals === 0 ? 1 : inTime / arrivals };
    }),
  };
}

const COLUMNS = [
  'policy',
  'seed',
  'cluster',
  'load',
  'slo_ms',
  'startup_ms',
  'cv',
  'noise',
  'mttf_ms',
  'function',
  'requests',
  'in_time',
  'late',
  'failed',
  'cold',
  ...LATENCY_PERCENTILES.map((percent) => `p${percent}_ms`),
  'run_in_time_share',
  'run_cold_share',
  'run_cores',
  'run_gpu_percent',
  'run_gflops',
  'run_starts',
  'run_crashes',
  'run_moves_per_minute',
];

/** One row a run and function, tidy: what is of the whole run is in each of its rows. Failures have none. */
export function figuresCsv(
  outcomes: readonly { readonly run: ExperimentRun; readonly outcome: RunOutcome }[],
): string {
  const rows = outcomes.flatMap(({ run, outcome }) => {
    if (isFailure(outcome)) return [];
    const { policy, seed, setting } = run;
    const { cluster, load, startupMs, cv, noise, mttfMs } = setting;
    return outcome.functions.map((each) => [
      policy,
      seed,
      cluster,
      load,
      each.sloMs,
      startupMs,
      cv,
      noise,
      mttfMs,
      each.name,
      each.requests,
      each.inTime,
      each.late,
      each.failed,
      each.cold,
      ...each.latenciesMs,
      outcome.inTimeShare,
      outcome.coldStartShare,
      outcome.meanCores,
      outcome.meanGpuPercent,
      outcome.meanGflops,
      outcome.starts,
      outcome.crashes,
      outcome.movesPerMinute,
    ]);
  });
  return csv([COLUMNS, ...rows]);
}

export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(',')}\n`).join('');
}

function csvField(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
