import Table from 'cli-table3';
import { formatDuration } from '../../models/base/units.ts';
import type { LoadReport } from '../../profiler/load/report.ts';
import type { BatchRecord } from './phases.ts';
import type { Timeline } from './timeline.ts';

export interface TourResult {
  readonly name: string;
  readonly sloMs: number;
  readonly load: LoadReport;
  readonly peakPerSecond: number;
}

/** Whether every function answered the share of requests in time that its SLO asks for. */
export function allMet(results: readonly TourResult[]): boolean {
  return results.every(({ load }) => load.slo?.met === true);
}

/** What a person wants to know of the replay: one column a function, then its instances over time. */
export function renderReport(results: readonly TourResult[], timeline: Timeline): string {
  const table = new Table({
    head: ['', ...results.map(({ name }) => name)],
    style: { head: [], border: [] },
  });
  const row = (label: string, cell: (result: TourResult) => string): void => {
    table.push([label, ...results.map(cell)]);
  };
  const duration = (ms: number | undefined): string => (ms === undefined ? '–' : formatDuration(ms));
  row('requests', ({ load }) => String(load.slo === null ? load.sent : load.sent + load.dropped));
  row(
    'rate, mean / peak',
    ({ load, peakPerSecond }) => `${load.rate.offered.toFixed(1)}/s / ${peakPerSecond.toFixed(1)}/s`,
  );
  row('p50', ({ load }) => duration(load.latencyMs?.p50));
  row('p99', ({ load }) => duration(load.latencyMs?.p99));
  row('SLO', ({ sloMs }) => `${formatDuration(sloMs)} at p99`);
  row(
    'violations',
    ({ load }) => `${load.slo!.violations} (${(load.slo!.violationShare * 100).toFixed(2)} %)`,
  );
  row('SLO kept', ({ load }) => (load.slo!.met ? 'yes' : 'NO'));
  row('CPU used by its instances', ({ name, load }) => {
    const cpuMs = timeline.cpuMsOf(name);
    return `${formatDuration(cpuMs)} (${((cpuMs / load.durationMs) * 1).toFixed(2)} cores)`;
  });
  const courses = results.map(({ name }) => `${name}\n${course(timeline, name)}`);
  return `${table.toString()}\n\nInstances over time (b = largest batch, c = cores)\n${courses.join('\n')}`;
}

/**
 * Of functions that missed their SLO, where the time of late requests went: starts, execution, queue. A line
 * each.
 */
export function missedTexts(
  results: readonly TourResult[],
  timeline: Pick<Timeline, 'wasStarting'>,
  batches: Pick<BatchRecord, 'executionText'>,
): string[] {
  return results
    .filter(({ load }) => load.slo?.met !== true)
    .flatMap(({ name, load }) => {
      const late = load.seconds.reduce((sum, second) => sum + second.late, 0);
      const atStarts = load.seconds
        .filter(({ second }) => timeline.wasStarting(name, second - 1, second))
        .reduce((sum, second) => sum + second.late, 0);
      const { failed, dropped } = load;
      const others = Object.values(failed.byStatus).concat(Object.values(failed.errors), dropped);
      const unanswered = others.reduce((sum, count) => sum + count, 0);
      return [
        `${name} missed its SLO: ${late} requests were late, ${unanswered} failed.`,
        `  start      ${atStarts} of the late ones were answered while an instance was starting`,
        `  execution  ${batches.executionText(name)}`,
        `  queue      ${late - atStarts} of the late ones waited for their turn, at the gateway or at an instance`,
      ];
    });
}

function course(timeline: Timeline, name: string): string {
  return timeline
    .stretchesOf(name)
    .map(({ fromSecond, toSecond, instances }) => {
      const span = `${fromSecond.toFixed(1)} – ${toSecond.toFixed(1)} s`;
      return `  ${span.padStart(15)}  ${instances}`;
    })
    .join('\n');
}
