import { formatDuration } from '../../models/base/units.ts';
import { frontierOf, perCore, perGpuPercent } from '../best-config.ts';
import { configKey } from '../config.ts';
import type { Cell, Latency, ProfileTable } from '../table.ts';
import { isImported } from './due.ts';

/** CFS period of the quotas that we hold ourselves, and that tables are measured under unless asked. */
export const LOCAL_PERIOD_MICROS = 10_000;
/** What a kubelet sets (`cpuCFSQuotaPeriod`), and Docker does: the kernel's own default. */
export const CLUSTER_PERIOD_MICROS = 100_000;

/** Thousands of functions may be of one table: what is made of it is made once. */
const known = new WeakMap<ProfileTable, Map<number, ProfileTable>>();

/**
 * A table as it holds where CPU quotas have this period. Cells that were measured under it say what was
 * measured. Of others p95 and p99 count as longer, see {@link surchargeMs}. Other tools' tables are taken as
 * measured: nobody knows under which period.
 */
export function underPeriod(table: ProfileTable, periodMicros: number): ProfileTable {
  if (isImported(table)) return table;
  const made = known.get(table) ?? new Map<number, ProfileTable>();
  known.set(table, made);
  const before = made.get(periodMicros);
  if (before !== undefined) return before;
  const cells = table.cells.map((cell) => cellUnder(cell, table, periodMicros));
  const isSame = cells.every((cell, index) => cell === table.cells[index]);
  const under = isSame ? table : { ...table, cells };
  made.set(periodMicros, under);
  return under;
}

function cellUnder(cell: Cell, table: ProfileTable, periodMicros: number): Cell {
  const measured = cell.otherPeriods?.find((other) => other.periodMicros === periodMicros);
  if (measured !== undefined) {
    const { predicted: _, speedFactor: __, yardstick: ___, ...rest } = cell;
    return { ...rest, ...measured };
  }
  const addedMs = surchargeMs(cell, table, periodMicros);
  return addedMs === 0 ? cell : { ...cell, latencyMs: withTail(cell.latencyMs, addedMs) };
}

/** The tail alone: as much is computed in a second under any period, so the mean is what it was. */
function withTail(latency: Latency, addedMs: number): Latency {
  const { p95, p99, max, p99Interval } = latency;
  return {
    ...latency,
    p95: p95 + addedMs,
    p99: p99 + addedMs,
    max: max + addedMs,
    ...(p99Interval === undefined
      ? {}
      : { p99Interval: [p99Interval[0], p99Interval[1] + addedMs] as [number, number] }),
  };
}

/**
 * How much longer a request may wait under this period than under the one that its cell was measured under,
 * in ms; 0 where it is no longer.
 *
 * Threads that use up a quota of `q` cores in a period `P` wait for its end: `T` threads have then run for
 * `q·P/T` and wait for up to `(1 − q/T)·P`, which is `(1 − q)·P` for one thread. It is the delay of the
 * supply bound function of a periodic resource whose budget is refilled at fixed times (I. Shin and I. Lee,
 * "Periodic resource model for compositional real-time guarantees", RTSS 2003). Over longer times as much is
 * supplied whatever the period, so that this delay is all that differs.
 */
export function surchargeMs(
  cell: Pick<Cell, 'cpuMillicores' | 'threads' | 'periodMicros' | 'otherPeriods'>,
  table: Pick<ProfileTable, 'quota' | 'confidence'>,
  periodMicros: number,
): number {
  if (isImported(table) || isMeasuredUnder(cell, table, periodMicros)) return 0;
  const from = cell.periodMicros ?? table.quota.periodMicros ?? LOCAL_PERIOD_MICROS;
  const idleShare = Math.max(0, 1 - cell.cpuMillicores / (1000 * cell.threads));
  return (Math.max(0, periodMicros - from) * idleShare) / 1000;
}

/** Whether a cell says what was measured under this period. */
function isMeasuredUnder(
  cell: Pick<Cell, 'periodMicros' | 'otherPeriods'>,
  table: Pick<ProfileTable, 'quota'>,
  periodMicros: number,
): boolean {
  return (
    (cell.periodMicros ?? table.quota.periodMicros) === periodMicros ||
    (cell.otherPeriods?.some((other) => other.periodMicros === periodMicros) ?? false)
  );
}

/**
 * Cells that someone may choose under this period but that were not measured under it, most promising first:
 * those on the frontier of any resource. Once they are measured, others may be on it.
 */
export function unmeasuredFrontier(table: ProfileTable, periodMicros: number): readonly Cell[] {
  if (isImported(table)) return [];
  const under = underPeriod(table, periodMicros);
  const frontier = [perCore, perGpuPercent].flatMap((efficiency) =>
    frontierOf(under, 99, efficiency).map(({ cell }) => configKey(cell)),
  );
  return table.cells.filter(
    (cell) =>
      frontier.includes(configKey(cell)) &&
      !isMeasuredUnder(cell, table, periodMicros) &&
      surchargeMs(cell, table, periodMicros) > 0,
  );
}

/**
 * What whoever plans with the table under this period should know, as sentences.
 *
 * @param model what infless-profile is to be called with
 */
export function periodCaveats(table: ProfileTable, periodMicros: number, model: string): readonly string[] {
  const period = formatDuration(periodMicros / 1000);
  if (isImported(table)) {
    return periodMicros === LOCAL_PERIOD_MICROS
      ? []
      : [
          `The table comes from another tool: its times are taken as measured under a quota period of ${period}.`,
        ];
  }
  const added = table.cells
    .map((cell) => surchargeMs(cell, table, periodMicros))
    .filter((addedMs) => addedMs > 0);
  if (added.length === 0) return [];
  return [
    `${added.length} of ${table.cells.length} cells were not measured under a quota period of ${period}: their p99 counts as up to ${formatDuration(Math.max(...added))} longer. Measure those that may be chosen with: infless-profile ${model} --refresh --period ${periodMicros / 1000}ms`,
  ];
}

/** Under which periods it was measured: `period 10 ms, 4 cells also 100 ms`; empty without a quota. */
export function periodText({ quota, cells }: Pick<ProfileTable, 'quota' | 'cells'>): string {
  if (quota.periodMicros === null) return '';
  const others = new Map<number, number>();
  for (const { periodMicros } of cells.flatMap(({ otherPeriods = [] }) => otherPeriods)) {
    others.set(periodMicros, (others.get(periodMicros) ?? 0) + 1);
  }
  const also = [...others].map(
    ([micros, count]) => `, ${count} of ${cells.length} cells also ${formatDuration(micros / 1000)}`,
  );
  return `period ${formatDuration(quota.periodMicros / 1000)}${also.join('')}`;
}
