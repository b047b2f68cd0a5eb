import Table from 'cli-table3';
import pc from 'picocolors';
import { formatDuration } from '../../models/base/units.ts';
import type { ArrivalProcess } from './arrivals/arrivals.ts';

/** A latency target: `percentile` percent of all requests must be answered within `ms`. */
export interface Slo {
  readonly ms: number;
  /** Such as 99. */
  readonly percentile: number;
}

/** A latency distribution in milliseconds. */
export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly mean: number;
}

/** What happened within one second of the test; answers count in the second in which they came. */
export interface SecondReport {
  /** 1 for the first. */
  readonly second: number;
  readonly sent: number;
  /** Of any status. */
  readonly answered: number;
  readonly ok: number;
  /** Answered ok, but after the SLO's time; 0 without an SLO. */
  readonly late: number;
  /** Answered with another status than 2xx, or not answered at all. */
  readonly failed: number;
  readonly dropped: number;
  /** Of the ok answers; null where there was none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Sent and not yet answered, at the end of the second. */
  readonly outstanding: number;
}

/** Everything one load test measured: what `infless-load --json` writes. */
export interface LoadReport {
  readonly target: string;
  readonly arrivals: ArrivalProcess & { readonly seed: number };
  /** Of sending; answers may have come later. */
  readonly durationMs: number;
  /** Whether sending was ended before its time. */
  readonly interrupted: boolean;
  readonly sent: number;
  /** Answered with 2xx. */
  readonly ok: number;
  readonly failed: {
    readonly byStatus: Readonly<Record<string, number>>;
    /** Requests without an answer, by reason: `timeout`, `ECONNRESET`, … */
    readonly errors: Readonly<Record<string, number>>;
    /** The first answer with another status than 2xx, and how its body begins. */
    readonly first?: { readonly status: number; readonly text: string };
  };
  /** Due, but not sent, because too many were outstanding. */
  readonly dropped: number;
  /** Still outstanding when an interrupted test gave up waiting. */
  readonly unanswered: number;
  /** Requests per second of sending: those due, and those answered ok. */
  readonly rate: { readonly offered: number; readonly ok: number };
  /** Of ok answers, from the moment a request was due, not from when it was sent. Null without any. */
  readonly latencyMs: LatencySummary | null;
  /** How far sending itself was behind schedule. It is part of the latencies above. */
  readonly sendLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Whether the generator kept to its schedule; if not, its numbers say little about the target. */
  readonly keptUp: boolean;
  readonly slo: SloReport | null;
  readonly seconds: readonly SecondReport[];
}

export interface SloReport extends Slo {
  /**
   * Late, failed and dropped requests, and those unanswered for longer than the SLO allows. Requests that an
   * interruption cut short before their time was up count neither here nor in the share, nor do those that
   * were wrong by themselves (400, 404, 405, 411, 413, 415, 422).
   */
  readonly violations: number;
  /** Of all requests that were due and count. */
  readonly violationShare: number;
  readonly met: boolean;
}

/** One line for the terminal while a test runs. */
export function formatSecond(second: SecondReport): string {
  const latency =
    second.p50Ms === null
      ? 'no answer'
      : `p50 ${formatDuration(second.p50Ms)}  p99 ${formatDuration(second.p99Ms ?? second.p50Ms)}`;
  return [
    `${String(second.second).padStart(4)} s`,
    `sent ${second.sent}`,
    `answered ${second.answered}`,
    `ok ${second.ok}`,
    ...mentionIfAny('late', second.late),
    ...mentionIfAny('failed', second.failed),
    ...mentionIfAny('dropped', second.dropped),
    latency,
    `outstanding ${second.outstanding}`,
  ].join('  ');
}

function mentionIfAny(what: string, count: number): string[] {
  return count === 0 ? [] : [pc.yellow(`${what} ${count}`)];
}

/** Rows without rules between them. */
const NO_RULES = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** The whole test as a table, and below it what the reader should not miss. */
export function formatSummary(report: LoadReport): string {
  const table = new Table({ style: { head: [], border: [] }, chars: NO_RULES });
  table.push(
    ['target', report.target],
    ['arrivals', `${formatProcess(report.arrivals)}, seed ${report.arrivals.seed}`],
    ['duration', formatDuration(report.durationMs) + (report.interrupted ? ', interrupted' : '')],
    ['requests', `${report.sent + report.dropped}, ${report.rate.offered.toFixed(1)}/s`],
    ['answered ok', `${report.ok}, ${report.rate.ok.toFixed(1)}/s`],
    ...failureRows(report),
    ...latencyRows(report),
    ['send lag', `p50 ${formatDuration(report.sendLagMs.p50)}, p99 ${formatDuration(report.sendLagMs.p99)}`],
    ...(report.slo === null ? [] : [['SLO', formatSlo(report.slo)]]),
  );
  const { first } = report.failed;
  const error = first === undefined ? '' : `\nThe first error was ${first.status}: ${errorText(first.text)}`;
  const warning = report.keptUp ? '' : `\n${pc.yellow(lagWarning(report))}`;
  return `${table.toString()}${error}${warning}\n`;
}

const SHOWN_CHARACTERS = 500;

/**
 * The sentence of `{"error": "…"}`, or the text as it is; on one line, and without what a terminal would
 * obey.
 */
function errorText(text: string): string {
  const plain = sentenceIn(text)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  if (plain === '') return '(without a body)';
  return plain.length <= SHOWN_CHARACTERS ? plain : `${plain.slice(0, SHOWN_CHARACTERS)}…`;
}

function sentenceIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : text;
  } catch {
    return text;
  }
}

function failureRows({ failed, dropped, unanswered }: LoadReport): string[][] {
  const byStatus = Object.entries(failed.byStatus).map(([status, count]) => [
    `status ${status}`,
    String(count),
  ]);
  const errors = Object.entries(failed.errors).map(([reason, count]) => [reason, String(count)]);
  return [
    ...byStatus,
    ...errors,
    ...(dropped === 0 ? [] : [['dropped', `${dropped}, too many outstanding`]]),
    ...(unanswered === 0 ? [] : [['unanswered', `${unanswered} when interrupted`]]),
  ];
}

function latencyRows({ latencyMs }: LoadReport): string[][] {
  if (latencyMs === null) return [['latency', 'no request was answered ok']];
  const { p50, p90, p95, p99, p999, max, mean } = latencyMs;
  return Object.entries({ p50, p90, p95, p99, 'p99.9': p999, max, mean }).map(([name, valueMs]) => [
    `latency ${name}`,
    formatDuration(valueMs),
  ]);
}

function formatProcess(process: ArrivalProcess): string {
  return process.type === 'gamma' ? `gamma, CV ${process.cv}` : process.type;
}

function formatSlo(slo: SloReport): string {
  const verdict = slo.met ? pc.green('met') : pc.red('missed');
  const share = (slo.violationShare * 100).toFixed(2);
  return `${formatDuration(slo.ms)} at p${slo.percentile}: ${verdict}, ${slo.violations} violations (${share} %)`;
}

function lagWarning({ sendLagMs }: LoadReport): string {
  return (
    `The generator itself fell behind: requests went out up to ${formatDuration(sendLagMs.p99)} late (p99), ` +
    'which the latencies include. Lower the rate, or give it a CPU of its own.'
  );
}
