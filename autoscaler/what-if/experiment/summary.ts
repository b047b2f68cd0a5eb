import { type MeanInterval, meanInterval } from '../../simulation/intervals.ts';
import { LATENCY_PERCENTILES } from '../../simulation/meters/request-meter.ts';
import { csv, isFailure, type RunFigures, type RunOutcome } from './run-figures.ts';
import type { ExperimentRun, Setting } from './settings.ts';

/** A run that is done. */
export interface DoneRun {
  readonly run: ExperimentRun;
  readonly outcome: RunOutcome;
}

/** Figures that are summed up over seeds. */
const FIGURES = {
  inTimeShare: (run: RunFigures) => run.inTimeShare,
  coldStartShare: (run: RunFigures) => run.coldStartShare,
  meanCores: (run: RunFigures) => run.meanCores,
  meanGpuPercent: (run: RunFigures) => run.meanGpuPercent,
  meanGflops: (run: RunFigures) => run.meanGflops,
  worstP99Ms: (run: RunFigures) =>
    Math.max(...run.functions.map(({ latenciesMs }) => latenciesMs[LATENCY_PERCENTILES.indexOf(99)]!)),
} as const;

export type SummaryFigure = keyof typeof FIGURES;
export const SUMMARY_FIGURES = Object.keys(FIGURES) as readonly SummaryFigure[];

/** One policy at one setting, over seeds. */
export interface SummaryRow {
  readonly setting: Setting;
  readonly policy: string;
  readonly figures: Readonly<Record<SummaryFigure, MeanInterval>>;
  /** From the grid's first policy, seed by seed; null for that one, and where no seed is common. */
  readonly differences: Readonly<Record<SummaryFigure, MeanInterval>> | null;
}

/** Means and differences with 95 % intervals; policies whose runs all failed have no row. */
export function summaryOf(done: readonly DoneRun[]): SummaryRow[] {
  const settings = new Map<
    string,
    { readonly setting: Setting; readonly byPolicy: Map<string, Map<number, RunFigures>> }
  >();
  for (const { run, outcome } of done) {
    if (isFailure(outcome)) continue;
    const key = JSON.stringify(run.setting);
    const entry = settings.get(key) ?? { setting: run.setting, byPolicy: new Map() };
    settings.set(key, entry);
    const bySeed = entry.byPolicy.get(run.policy) ?? new Map<number, RunFigures>();
    entry.byPolicy.set(run.policy, bySeed.set(run.seed, outcome));
  }
  const first = done[0]?.run.policy;
  return [...settings.values()].flatMap(({ setting, byPolicy }) => {
    const reference = byPolicy.get(first!);
    return [...byPolicy].map(([policy, bySeed]): SummaryRow => {
      const common = [...bySeed.keys()].filter((seed) => reference?.has(seed));
      return {
        setting,
        policy,
        figures: each((figure) => meanInterval([...bySeed.values()].map(FIGURES[figure]))),
        differences:
          policy === first || common.length === 0
            ? null
            : each((figure) =>
                meanInterval(
                  common.map(
                    (seed) => FIGURES[figure](bySeed.get(seed)!) - FIGURES[figure](reference!.get(seed)!),
                  ),
                ),
              ),
      };
    });
  });
}

function each<T>(of: (figure: SummaryFigure) => T): Readonly<Record<SummaryFigure, T>> {
  return Object.fromEntries(SUMMARY_FIGURES.map((figure) => [figure, of(figure)])) as Record<
    SummaryFigure,
    T
  >;
}

/** One row a setting, policy and figure. */
export function summaryCsv(rows: readonly SummaryRow[]): string {
  const head = [
    ...['policy', 'cluster', 'load', 'slo_ms', 'startup_ms', 'cv', 'noise', 'mttf_ms', 'figure', 'seeds'],
    ...['mean', 'half_95', 'difference', 'difference_half_95'],
  ];
  const body = rows.flatMap(({ setting, policy, figures, differences }) =>
    SUMMARY_FIGURES.map((figure) => {
      const { mean, half, runs } = figures[figure];
      const difference = differences?.[figure];
      const { cluster, load, sloMs, startupMs, cv, noise, mttfMs } = setting;
      return [
        ...[policy, cluster, load, sloMs, startupMs, cv, noise, mttfMs, figure, runs],
        ...[mean, half, difference?.mean ?? null, difference?.half ?? null],
      ];
    }),
  );
  return csv([head, ...body]);
}

/** What tells this setting from the others of its grid; empty where there is one. */
export function settingText(setting: Setting, all: readonly Setting[]): string {
  const differs = (key: keyof Setting): boolean => all.some((other) => other[key] !== setting[key]);
  const parts: [keyof Setting, string][] = [
    ['cluster', setting.cluster],
    ['load', setting.load],
    ['sloMs', `SLO ${setting.sloMs} ms`],
    ['startupMs', `start-up ${setting.startupMs} ms`],
    ['cv', `CV ${setting.cv}`],
    ['noise', `noise ${setting.noise}`],
    ['mttfMs', setting.mttfMs === null ? 'no failures' : `MTTF ${setting.mttfMs} ms`],
  ];
  return parts
    .filter(([key]) => differs(key))
    .map(([, text]) => text)
    .join(', ');
}
