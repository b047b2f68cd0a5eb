import Table from 'cli-table3';
import pc from 'picocolors';
import { formatBytes, formatCores, formatDuration } from '../../models/base/units.ts';
import {
  bestConfig,
  carriedBy,
  fastestConfig,
  NO_SLO,
  perCore,
  percentileMs,
  type Slo,
  type SloPercentile,
  throughputPerCore,
} from '../../profiles/best-config.ts';
import { gradeOf, gradeText } from '../../profiles/conditions/grade.ts';
import { periodText } from '../../profiles/conditions/period.ts';
import { guessCaveats } from '../../profiles/conditions/shapes.ts';
import { formatConfig } from '../../profiles/config.ts';
import { servingMemoryBytes } from '../../profiles/lookup.ts';
import type { Cell, ProfileTable } from '../../profiles/table.ts';
import { caveatsOf, shapesText } from './caveats.ts';
import { short, sparkline } from './figures.ts';

/** Room for `Best for p99 ≤ 1.50 s`. */
const TITLE_WIDTH = 21;
/** Fewer quotas make no curve. */
const FEWEST_FOR_CURVE = 3;

type Colors = ReturnType<typeof pc.createColors>;

/**
 * A table as a person reads it in a terminal: latency and throughput per core by batch and CPU quota, then
 * the configs worth knowing.
 */
export function renderSummary(table: ProfileTable, slo?: Slo, colors: Colors = pc): string {
  const { model, host, quota, cells } = table;
  const period = quota.periodMicros === null ? '' : `, ${periodText(table)}`;
  return [
    `${colors.bold(model.name)}  ${formatBytes(model.sizeBytes)}, ${table.engine}, quota by ${quota.mechanism}${period}`,
    `Rows: ${shapesText(table)}`,
    `Table: ${gradeText(gradeOf(table))}`,
    ...batchingLine(table),
    ...guessCaveats(table).map((caveat) => colors.bold(colors.yellow(caveat))),
    `${host.cpuModel}, ${host.cpuCores} cores, ${host.gpus.map(({ model }) => model).join(', ') || 'no GPU'}`,
    ...distinct(cells.map(({ gpuPercent }) => gpuPercent)).flatMap((gpuPercent) =>
      renderShare(
        cells.filter((cell) => cell.gpuPercent === gpuPercent),
        gpuPercent === 0 ? '' : `, ${Number(gpuPercent.toFixed(2))} % of the GPU`,
        colors,
      ),
    ),
    ...caveatsOf(table).map((caveat) => colors.dim(caveat)),
    '',
    ...renderBest(table, slo),
    '',
  ].join('\n');
}

/** Whether rows may share runs, where that is known. */
function batchingLine({ batching }: ProfileTable): string[] {
  return batching === undefined ? [] : [`Batching: ${batching.state} (${batching.reason})`];
}

/** The cells of one GPU share. */
function renderShare(cells: readonly Cell[], share: string, colors: Colors): string[] {
  return [
    '',
    `Latency of a full batch, p50 / p99 in ms${share}`,
    renderGrid(
      cells,
      colors,
      (cell) =>
        `${markOf(cell)}${short(cell.latencyMs.p50)} / ${short(cell.latencyMs.p99)}${beyondMark(cell)}`,
    ),
    ...curves(cells),
    '',
    `Rows per second and core${share}`,
    renderGrid(cells, colors, (cell) => short(throughputPerCore(cell))),
  ];
}

function markOf({ predicted, converged }: Cell): string {
  if (predicted === true) return '≈';
  return converged ? '' : '~';
}

/** Of a p99 that its samples are too few to tell. */
function beyondMark({ predicted, latencyMs }: Cell): string {
  return predicted !== true && latencyMs.extrapolated?.includes('p99') === true ? '↑' : '';
}

/** How latency falls with the quota, a line a batch. */
function curves(cells: readonly Cell[]): string[] {
  const quotas = distinct(cells.map((cell) => cell.cpuMillicores));
  if (quotas.length < FEWEST_FOR_CURVE) return [];
  const lines = distinct(cells.map((cell) => cell.batch)).map((batch) => {
    const p50s = quotas.map(
      (quota) => cells.find((cell) => cell.batch === batch && cell.cpuMillicores === quota)?.latencyMs.p50,
    );
    const known = p50s.filter((p50) => p50 !== undefined);
    return `${`b${batch}`.padStart(6)}  ${sparkline(p50s)}  ${short(known[0]!)} → ${short(known.at(-1)!)} ms`;
  });
  const ends = `${formatCores(quotas[0]!)} → ${formatCores(quotas.at(-1)!)}`;
  return ['', `p50 from a quota of ${ends} cores (logarithmic)`, ...lines];
}

/** Batches across, CPU quotas down; what was not measured is a dash. */
function renderGrid(cells: readonly Cell[], colors: Colors, text: (cell: Cell) => string): string {
  const batches = distinct(cells.map((cell) => cell.batch));
  const quotas = distinct(cells.map((cell) => cell.cpuMillicores));
  const grid = new Table({
    head: ['cores', ...batches.map((batch) => `b${batch}`)].map((title) => colors.bold(title)),
    colAligns: ['right', ...batches.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const quota of quotas) {
    const row = batches.map((batch) => {
      const cell = cells.find((each) => each.batch === batch && each.cpuMillicores === quota);
      return cell === undefined ? '–' : text(cell);
    });
    grid.push([formatCores(quota), ...row]);
  }
  return grid.toString();
}

function renderBest(table: ProfileTable, slo: Slo | undefined): string[] {
  const cheapest = bestConfig(table, NO_SLO);
  const fastest = fastestConfig(table, slo?.percentile ?? 99);
  const forSlo = slo === undefined ? undefined : bestConfig(table, slo);
  return [
    ...line('Most per core', table, cheapest),
    ...line('Lowest latency', table, fastest),
    ...(slo === undefined
      ? []
      : line(`Best for p${slo.percentile} ≤ ${formatDuration(slo.sloMs)}`, table, forSlo, slo)),
    ...codecLine(forSlo ?? cheapest),
  ];
}

/** @param slo default: none, and what is carried then is the most that ever is */
function line(title: string, table: ProfileTable, cell: Cell | undefined, slo?: Slo): string[] {
  if (cell === undefined) return [];
  const { percentile } = slo ?? NO_SLO;
  const carried = carriedBy(table, cell, slo ?? NO_SLO);
  return [
    `${title.padEnd(TITLE_WIDTH)} ${formatConfig(cell).padEnd(10)} ${slo === undefined ? 'up to' : 'carries'} ${short(carried)} requests/s, ${short(perCore(cell, carried)!)} per core; ` +
      `p${percentile} ${percentileText(cell, percentile)}, ${formatDuration(cell.cpuMs / cell.batch)} CPU a row, ` +
      `${formatBytes(servingMemoryBytes(cell))}, first answer after ${formatDuration(cell.firstAnswerMs)}`,
  ];
}

/** Less is nothing to speak of. */
const NOTABLE_DOUBT = 1.05;

/** With the upper end of its interval, which is what counts, where that is another time. */
function percentileText(cell: Cell, percentile: SloPercentile): string {
  const ms = percentileMs(cell, percentile);
  const mostMs = percentile === 99 ? cell.latencyMs.p99Interval?.[1] : undefined;
  if (mostMs === undefined || mostMs < NOTABLE_DOUBT * ms) return formatDuration(ms);
  return `${formatDuration(ms)} (up to ${formatDuration(mostMs)})`;
}

function codecLine(cell: Cell | undefined): string[] {
  if (cell === undefined) return [];
  const { decode, encode } = cell.codecMs;
  const carried = cell.transferMs === undefined ? '' : `, ${formatDuration(cell.transferMs)} over HTTP`;
  return [
    `${'JSON of one row'.padEnd(TITLE_WIDTH)} ${formatDuration(decode)} to read, ${formatDuration(encode)} to write${carried} under a CPU quota of ${formatCores(cell.cpuMillicores)}; the latencies are without it, what an instance carries is with it`,
  ];
}

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
