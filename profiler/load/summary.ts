import Table from 'cli-table3';
import pc from 'picocolors';
import { formatDuration } from '../../models/base/units.ts';
import type { ArrivalProcess } from './renewal.ts';
import type { LoadReport, SecondReport, SloReport } from './report.ts';

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
  const warning = report.keptUp ? '' : `\n${pc.yellow(lagWarning(report))}`;
  return `${table.toString()}${warning}\n`;
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
