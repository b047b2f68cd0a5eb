import { packageVersion } from '../../../models/base/package.ts';
import { renderDocument } from '../../../models/base/page/document.ts';
import { escapeHtml, tableHtml } from '../../../models/base/page/html.ts';
import { LATENCY_PERCENTILES } from '../../simulation/meters/request-meter.ts';
import { plural } from '../report/figures.ts';
import type { Grid, InputDigest } from './grid-file.ts';
import { type Picture, type Point, pictureSvg, type Series } from './pictures.ts';
import { isFailure, type RunFigures } from './run-figures.ts';
import type { Setting } from './settings.ts';
import { type DoneRun, type SummaryRow, settingText } from './summary.ts';
import { cellText, SUMMARY_COLUMNS } from './summary-text.ts';

/** What decides about the results: with this, someone else gets the same ones. */
export interface Provenance {
  readonly version: string;
  readonly node: string;
  readonly commandLine: readonly string[];
  readonly inputs: readonly InputDigest[];
  readonly seeds: readonly number[];
  readonly grid: Grid;
}

export interface ExperimentReport {
  /** In the grid's order; without those that were not reached. */
  readonly done: readonly DoneRun[];
  readonly all: number;
  readonly rows: readonly SummaryRow[];
  readonly notes: readonly string[];
  readonly provenance: Provenance;
}

/** What an experiment came to as one page: for each setting the pictures that a paper has, and the table. */
export function renderExperimentPage(report: ExperimentReport): Promise<string> {
  const { rows, notes, provenance } = report;
  const settings = [...new Map(rows.map(({ setting }) => [JSON.stringify(setting), setting])).values()];
  const body = [
    `<h1>${escapeHtml(titleOf(report))}</h1>`,
    `<p class="facts">${escapeHtml(`Means over ${plural(provenance.seeds.length, 'seed')}, with 95 % intervals; in brackets paired differences from the first policy.`)}</p>`,
    notes.length === 0
      ? ''
      : `<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
    ...settings.flatMap((setting) => sectionOf(setting, settings, report)),
    '<h2>Provenance</h2>',
    `<pre>${escapeHtml(JSON.stringify(provenance, null, 2))}</pre>`,
    `<footer><p>infless ${packageVersion}, infless-autoscaler experiment</p></footer>`,
  ];
  return renderDocument({ title: titleOf(report), body: body.join('\n'), data: rows });
}

function titleOf({ done }: ExperimentReport): string {
  return `Experiment: ${plural(done.length, 'run')}`;
}

function sectionOf(setting: Setting, all: readonly Setting[], report: ExperimentReport): string[] {
  const key = JSON.stringify(setting);
  const rows = report.rows.filter((row) => JSON.stringify(row.setting) === key);
  const runs = new Map<string, RunFigures[]>();
  for (const { run, outcome } of report.done) {
    if (JSON.stringify(run.setting) !== key || isFailure(outcome)) continue;
    runs.set(run.policy, [...(runs.get(run.policy) ?? []), outcome]);
  }
  const table = rows.map((row) => [row.policy, ...SUMMARY_COLUMNS.map((column) => cellText(row, column))]);
  const title = settingText(setting, all);
  return [
    `<h2>${escapeHtml(title === '' ? 'Results' : title)}</h2>`,
    tableHtml({ head: ['', ...SUMMARY_COLUMNS.map(([name]) => name)], rows: table }),
    ...[
      tradeOff(rows),
      differences(rows),
      latencies(runs),
      course(runs, 'gflops'),
      course(runs, 'inTimeShare'),
    ]
      .filter((picture) => picture.series.some(({ points }) => points.length > 0))
      .map((picture) => `<figure>${pictureSvg(picture)}</figure>`),
  ];
}

function tradeOff(rows: readonly SummaryRow[]): Picture {
  return {
    title: 'In time over what is held',
    xLabel: 'held, GFLOPS (64 a core, 142 a percent of a GPU)',
    yLabel: 'in time, %',
    kind: 'points',
    series: rows.map(({ policy, figures: { meanGflops: held, inTimeShare: share } }) => ({
      name: policy,
      points: [{ x: held.mean, xHalf: held.half, y: 100 * share.mean, yHalf: 100 * share.half }],
    })),
  };
}

/** What each policy, or each part that is left out, makes of the first. */
function differences(rows: readonly SummaryRow[]): Picture {
  const compared = rows.flatMap(({ policy, differences: own }) => (own === null ? [] : [{ policy, own }]));
  return {
    title: `Differences from ${rows.find((row) => row.differences === null)?.policy ?? 'the first policy'}, seed by seed`,
    xLabel: 'held, GFLOPS',
    yLabel: 'in time, points',
    kind: 'points',
    series: compared.map(({ policy, own: { meanGflops: held, inTimeShare: share } }) => ({
      name: policy,
      points: [{ x: held.mean, xHalf: held.half, y: 100 * share.mean, yHalf: 100 * share.half }],
    })),
  };
}

/** Means over functions and seeds of each percentile. */
function latencies(runs: ReadonlyMap<string, readonly RunFigures[]>): Picture {
  return {
    title: 'Latency: share of answers within',
    xLabel: 'ms, mean over functions and seeds',
    yLabel: '%',
    kind: 'lines',
    series: seriesOf(runs, (outcomes) => {
      const functions = outcomes.flatMap((outcome) => outcome.functions);
      return LATENCY_PERCENTILES.map((percent, at) => ({
        x: functions.reduce((sum, { latenciesMs }) => sum + latenciesMs[at]!, 0) / functions.length,
        y: percent,
      }));
    }),
  };
}

function course(runs: ReadonlyMap<string, readonly RunFigures[]>, what: 'gflops' | 'inTimeShare'): Picture {
  const isShare = what === 'inTimeShare';
  return {
    title: isShare ? 'In time, by when requests came' : 'Held over time',
    xLabel: 's',
    yLabel: isShare ? '%' : 'GFLOPS',
    kind: 'lines',
    series: seriesOf(runs, (outcomes) =>
      outcomes[0]!.course.map(({ atMs }, at) => {
        const values = outcomes.flatMap((outcome) => outcome.course[at]?.[what] ?? []);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        return { x: atMs / 1000, y: isShare ? 100 * mean : mean };
      }),
    ),
  };
}

function seriesOf(
  runs: ReadonlyMap<string, readonly RunFigures[]>,
  pointsOf: (outcomes: readonly RunFigures[]) => readonly Point[],
): Series[] {
  return [...runs].map(([name, outcomes]) => ({ name, points: pointsOf(outcomes) }));
}
