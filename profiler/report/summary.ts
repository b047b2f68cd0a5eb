import Table from 'cli-table3';
import pc from 'picocolors';
import { formatBytes, formatCores, formatDuration } from '../../models/base/units.ts';
import {
  bestConfig,
  fastestConfig,
  percentileMs,
  type Slo,
  throughputPerCore,
} from '../../profiles/best-config.ts';
import { periodText } from '../../profiles/conditions/period.ts';
import { guessCaveats } from '../../profiles/conditions/shapes.ts';
import { formatConfig } from '../../profiles/config.ts';
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
    ...renderBest(cells, slo),
    '',
  ].join('\n');
}

/** The cells of one GPU share. */
function renderShare(cells: readonly Cell[], share: string, colors: Colors): string[] {
  return [
    '',
    `Latency of a full batch, p50 / p99 in ms${share}`,
    renderGrid(
      cells,
      colors,
      (cell) => `${markOf(cell)}${short(cell.latencyMs.p50)} / ${short(cell.latencyMs.p99)}`,
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

function renderBest(cells: readonly Cell[], slo: Slo | undefined): string[] {
  const cheapest = bestConfig(cells, { sloMs: Number.POSITIVE_INFINITY, percentile: 99 });
  const fastest = fastestConfig(cells, slo?.percentile ?? 99);
  const forSlo = slo === undefined ? undefined : bestConfig(cells, slo);
  return [
    ...line('Most per core', cheapest),
    ...line('Lowest latency', fastest),
    ...(slo === undefined
      ? []
      : line(`Best for p${slo.percentile} ≤ ${formatDuration(slo.sloMs)}`, forSlo, slo)),
    ...codecLine(forSlo ?? cheapest),
  ];
}

function line(title: string, cell: Cell | undefined, slo?: Slo): string[] {
  if (cell === undefined) return [];
  const percentile = slo?.percentile ?? 99;
  return [
    `${title.padEnd(TITLE_WIDTH)} ${formatConfig(cell).padEnd(10)} ${short(throughputPerCore(cell))} rows/s per core, ` +
      `p${percentile} ${formatDuration(percentileMs(cell, percentile))}, ${formatDuration(cell.cpuMs / cell.batch)} CPU a row, ` +
      `${formatBytes(cell.peakMemoryBytes)}, first answer after ${formatDuration(cell.firstAnswerMs)}`,
  ];
}

function codecLine(cell: Cell | undefined): string[] {
  if (cell === undefined) return [];
  const { decode, encode } = cell.codecMs;
  const carried = cell.transferMs === undefined ? '' : `, ${formatDuration(cell.transferMs)} over HTTP`;
  return [
    `${'JSON of one row'.padEnd(TITLE_WIDTH)} ${formatDuration(decode)} to read, ${formatDuration(encode)} to write${carried} under a CPU quota of ${formatCores(cell.cpuMillicores)}; the latencies are without it`,
  ];
}

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
