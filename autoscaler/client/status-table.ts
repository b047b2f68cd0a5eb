import Table from 'cli-table3';
import { formatDuration } from '../../models/base/units.ts';

/** What is used here of `GET /api/functions`. */
export interface StatusRow {
  readonly name: string;
  readonly phase: string;
  readonly reason?: string;
  readonly warnings: readonly string[];
  readonly sloMs?: number;
  readonly percentile?: number;
  readonly ratePerSecond?: number;
  readonly queued?: number;
  readonly inFlight?: number;
  readonly latest?: {
    readonly p50Ms: number | null;
    readonly p99Ms: number | null;
    readonly attainment: number;
  };
  readonly instances: readonly { readonly configText: string; readonly phase: string }[];
}

const HEAD = ['function', 'phase', 'rate', 'p50', 'p99', 'SLO', 'in time', 'queue', 'instances'];
const NONE = '–';

/** Functions as a table, and below it what is wrong. */
export function renderStatus(functions: readonly StatusRow[]): string {
  if (functions.length === 0) return 'No function is deployed.\n';
  const table = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  for (const each of functions) table.push(cellsOf(each));
  const troubles = functions.flatMap(({ name, reason, warnings }) =>
    [...new Set([...(reason === undefined ? [] : [reason]), ...warnings])].map(
      (text) => `! ${name}: ${text}\n`,
    ),
  );
  return `${table.toString()}\n${troubles.join('')}`;
}

function cellsOf(each: StatusRow): string[] {
  const { name, phase, ratePerSecond, latest, sloMs, percentile = 99, queued, inFlight } = each;
  const duration = (ms: number | null | undefined): string => (ms == null ? NONE : formatDuration(ms));
  return [
    name,
    phase,
    ratePerSecond === undefined ? NONE : `${ratePerSecond.toFixed(1)}/s`,
    duration(latest?.p50Ms),
    duration(latest?.p99Ms),
    sloMs === undefined ? NONE : `${formatDuration(sloMs)} at p${percentile}`,
    latest === undefined ? NONE : `${(latest.attainment * 100).toFixed(1)} %`,
    queued === undefined ? NONE : `${queued} + ${inFlight ?? 0}`,
    instancesText(each.instances),
  ];
}

function instancesText(instances: StatusRow['instances']): string {
  const counts = new Map<string, number>();
  for (const { configText, phase } of instances) {
    const text = phase === 'ready' ? configText : `${configText} ${phase}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} × ${text}`).join(', ') || 'none';
}
