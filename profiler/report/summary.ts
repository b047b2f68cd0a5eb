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
import { formatConfig } from '../../profiles/config.ts';
import type { Cell, ProfileTable } from '../../profiles/table.ts';
import { isDisturbed } from '../disturbance.ts';
import { SAMPLES_FOR_TAIL } from '../stopping.ts';

/** Room for `Best for p99 ≤ 1.50 s`. */
const TITLE_WIDTH = 21;

type Colors = ReturnType<typeof pc.createColors>;

/**
 * A table as a person reads it in a terminal: latency and throughput per core by batch and CPU quota, then the
 * configs worth knowing.
 */
export function renderSummary(table: ProfileTable, slo?: Slo, colors: Colors = pc): string {
  const { model, host, quota, cells } = table;
  const period = quota.periodMicros === null ? '' : `, period ${formatDuration(quota.periodMicros / 1000)}`;
  return [
    `${colors.bold(model.name)}  ${formatBytes(model.sizeBytes)}, ${table.engine}, quota by ${quota.mechanism}${period}`,
    `${host.cpuModel}, ${host.cpuCores} cores`,
    '',
    'Latency of a full batch, p50 / p99 in ms',
    renderGrid(
      cells,
      colors,
      (cell) => `${cell.converged ? '' : '~'}${short(cell.latencyMs.p50)} / ${short(cell.latencyMs.p99)}`,
    ),
    '',
    'Rows per second and core',
    renderGrid(cells, colors, (cell) => short(throughputPerCore(cell))),
    ...caveats(table).map((caveat) => colors.dim(caveat)),
    '',
    ...renderBest(cells, slo),
    '',
  ].join('\n');
}

/** What the numbers above do not say by themselves. */
function caveats(table: ProfileTable): string[] {
  const { cells } = table;
  const vague = cells.filter((cell) => !cell.converged).length;
  const disturbed = cells.filter(isDisturbed).length;
  const few = cells.filter((cell) => cell.samples < SAMPLES_FOR_TAIL).length;
  return [
    ...(vague === 0
      ? []
      : [`~ ${vague} of ${cells.length} cells missed ${confidenceOf(table)} in their time.`]),
    ...(disturbed === 0
      ? []
      : [
          `! ${disturbed} of ${cells.length} cells took longer than the CPU they used explains: something else ran on this host. Measure again when it is quiet.`,
        ]),
    ...(few === 0
      ? []
      : [
          `The p99 of ${few} of ${cells.length} cells is about their slowest run: they have fewer than ${SAMPLES_FOR_TAIL} samples.`,
        ]),
  ];
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
  return [
    `${'JSON of one row'.padEnd(TITLE_WIDTH)} ${formatDuration(decode)} to read, ${formatDuration(encode)} to write under a CPU quota of ${formatCores(cell.cpuMillicores)}; the latencies are without it`,
  ];
}

function confidenceOf({ confidence }: ProfileTable): string {
  return `±${Number((confidence.relativeError * 100).toPrecision(3))} % at ${Number((confidence.level * 100).toPrecision(4))} % confidence`;
}

/** Three significant digits: what a measurement like this is worth. */
function short(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 1 ? value.toPrecision(3) : value.toFixed(value >= 0.1 ? 2 : 3);
}

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
