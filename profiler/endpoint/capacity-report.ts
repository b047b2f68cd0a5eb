import Table from 'cli-table3';
import type pc from 'picocolors';
import { formatDuration } from '../../models/base/units.ts';
import type { LatencySummary, LoadReport, Slo } from '../load/report.ts';
import type { ReadyReport } from './endpoint.ts';
import type { LateShare } from './late-share.ts';
import type { SearchResult, TrialKind } from './search.ts';
import type { Verdict } from './trial-rule.ts';

export const CAPACITY_SCHEMA = 'infless.io/capacity/v1';

/** One rate that was tried. Only requests after the warm-up count. */
export interface TrialReport extends Pick<LoadReport, 'failed' | 'dropped' | 'sendLagMs' | 'keptUp'> {
  readonly kind: TrialKind;
  readonly ratePerSecond: number;
  readonly verdict: Verdict | 'cut short';
  readonly seed: number;
  readonly warmUpMs: number;
  readonly countedMs: number;
  /**
   * Late, failed and dropped requests among all that were due; null where it ended before two stretches of
   * time.
   */
  readonly lateShare: LateShare | null;
  /** Of ok answers, from the moment a request was due. */
  readonly latencyMs: LatencySummary | null;
}

/** The target while nothing else asks it anything. */
export interface IdleReport {
  /** Of the very first request, with the start of an instance where there was none. */
  readonly firstAnswerMs: number;
  /** One request after the other. */
  readonly latencyMs: LatencySummary;
  readonly requests: number;
}

/** What driving an endpoint found out: what `infless-profile endpoint --json` writes. */
export interface CapacityReport extends SearchResult {
  readonly schema: typeof CAPACITY_SCHEMA;
  readonly createdAt: string;
  readonly tool: string;
  readonly target: string;
  readonly slo: Slo;
  /** What it told of itself; null where it is not known to be a single serving process. */
  readonly instance: ReadyReport | null;
  /** That verdicts are right, and how near `heldRate` and `missedRate` were to come. */
  readonly confidence: number;
  readonly tolerance: number;
  readonly idle: IdleReport;
  readonly trials: readonly TrialReport[];
}

type Colors = ReturnType<typeof pc.createColors>;

/** Rows without rules between them. */
const NO_RULES = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** One line when a trial is over. */
export function formatTrial(trial: TrialReport): string {
  const { ratePerSecond, kind, verdict, latencyMs, lateShare, countedMs } = trial;
  return [
    `${formatRate(ratePerSecond)}/s`,
    verdict,
    lateShare === null ? '' : `late ${formatShare(lateShare.share)} of ${lateShare.requests}`,
    latencyMs === null ? 'no answer' : `p99 ${formatDuration(latencyMs.p99)}`,
    `${kind === 'scout' ? 'scouted' : 'tried'} for ${formatDuration(countedMs)}`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** What was found, the trials by their rate, and below them what the reader should not miss. */
export function renderCapacity(report: CapacityReport, colors: Colors): string {
  const table = new Table({
    head: ['rate', 'verdict', 'requests', 'late', 'may be', 'p50', 'p99'],
    style: { head: [], border: [] },
    chars: NO_RULES,
  });
  for (const trial of report.trials.toSorted((a, b) => a.ratePerSecond - b.ratePerSecond)) {
    table.push(trialRow(trial));
  }
  const warnings = warningsOf(report).map((warning) => `${colors.yellow(warning)}\n`);
  return [
    `${report.target}\n`,
    `${idleText(report)}\n`,
    ...(report.trials.length === 0 ? [] : [`${table.toString()}\n`]),
    `${colors.bold(conclusion(report))}\n`,
    ...warnings,
  ].join('');
}

function trialRow({ ratePerSecond, kind, verdict, lateShare, latencyMs }: TrialReport): string[] {
  return [
    `${formatRate(ratePerSecond)}/s`,
    kind === 'scout' ? `${verdict} (scout)` : verdict,
    lateShare === null ? '' : String(lateShare.requests),
    lateShare === null ? '' : formatShare(lateShare.share),
    lateShare === null || kind === 'scout' ? '' : lateShare.interval.map(formatShare).join(' … '),
    latencyMs === null ? '' : formatDuration(latencyMs.p50),
    latencyMs === null ? '' : formatDuration(latencyMs.p99),
  ];
}

function idleText({ idle }: CapacityReport): string {
  const { firstAnswerMs, latencyMs } = idle;
  return `first answer ${formatDuration(firstAnswerMs)}, one request at a time p50 ${formatDuration(latencyMs.p50)}`;
}

function conclusion({ slo, heldRate, missedRate, ended, confidence }: CapacityReport): string {
  const aim = `p${slo.percentile} ≤ ${formatDuration(slo.ms)}`;
  if (heldRate === null) return `No rate was found at which ${aim}${ended === 'cut-short' ? ', yet' : ''}.`;
  const held = `${aim} up to ${formatRate(heldRate)}/s (${confidence * 100} % sure)`;
  if (missedRate === null) return `${held}; higher rates were not tried.`;
  return `${held}; not shown at ${formatRate(missedRate)}/s.`;
}

function warningsOf({ ended, trials }: CapacityReport): string[] {
  const behind = trials.filter(({ keptUp }) => !keptUp);
  return [
    ...(ended === 'cut-short' ? ['The search was cut short: the highest rate may lie above.'] : []),
    ...(behind.length === 0
      ? []
      : [
          `The generator itself fell behind in ${behind.length} trials, from ${formatRate(Math.min(...behind.map(({ ratePerSecond }) => ratePerSecond)))}/s on, ` +
            'which counts against the endpoint. Give it a CPU of its own.',
        ]),
  ];
}

/** Three digits. */
function formatRate(ratePerSecond: number): string {
  return ratePerSecond >= 100 ? ratePerSecond.toFixed(0) : ratePerSecond.toPrecision(3);
}

function formatShare(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
