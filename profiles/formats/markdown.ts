import { formatBytes, formatCores, formatDuration } from '../../models/base/units.ts';
import { periodText } from '../conditions/period.ts';
import { formatShapes, shapesOfTable } from '../conditions/shapes.ts';
import { compareConfigs } from '../config.ts';
import type { Cell, ProfileTable } from '../table.ts';

/** A report to read or to paste: where it was measured, then one row a cell. */
export function toMarkdown(table: ProfileTable): string {
  const { model, host, quota } = table;
  const period = quota.periodMicros === null ? '' : `, ${periodText(table)}`;
  const gpus = host.gpus.map((gpu) => gpu.model).join(', ');
  const withGpu = table.cells.some((cell) => cell.gpuPercent > 0);
  const columns = COLUMNS.filter((column) => withGpu || column.title !== 'GPU %');
  const cells = table.cells.toSorted(compareConfigs);
  return [
    `# ${model.name}`,
    '',
    `- Model: ${model.format}, ${formatBytes(model.sizeBytes)}, \`${model.digest}\``,
    `- Rows: ${rowsOf(table)}`,
    `- Host: ${host.cpuModel}, ${host.cpuCores} cores, ${formatBytes(host.memoryBytes)}${gpus === '' ? '' : `, ${gpus}`}`,
    `- Engine: ${table.engine}, Node.js ${host.node}`,
    `- Quota: ${quota.mechanism}${period}`,
    `- Measured: ${table.createdAt} by ${table.tool}; mean to ±${percent(table.confidence.relativeError)} with ${percent(table.confidence.level)} confidence`,
    '',
    line(columns.map((column) => column.title)),
    line(columns.map(() => '---:')),
    ...cells.map((cell) => line(columns.map((column) => column.text(cell)))),
    ...(cells.every((cell) => cell.converged || cell.predicted === true) ? [] : ['', UNSTEADY]),
    '',
  ].join('\n');
}

function rowsOf(table: ProfileTable): string {
  const shapes = shapesOfTable(table);
  return shapes === undefined ? 'sizes not recorded' : formatShapes(shapes);
}

const UNSTEADY = '~ The mean did not reach the stated confidence within the time allowed.';

const COLUMNS: readonly { readonly title: string; readonly text: (cell: Cell) => string }[] = [
  { title: 'batch', text: (cell) => String(cell.batch) },
  { title: 'cores', text: (cell) => formatCores(cell.cpuMillicores) },
  { title: 'GPU %', text: (cell) => String(cell.gpuPercent) },
  { title: 'threads', text: (cell) => String(cell.threads) },
  {
    title: 'mean ms',
    text: (cell) =>
      `${cell.predicted === true ? '≈' : cell.converged ? '' : '~'}${milliseconds(cell.latencyMs.mean)}`,
  },
  { title: 'p50 ms', text: (cell) => milliseconds(cell.latencyMs.p50) },
  { title: 'p95 ms', text: (cell) => milliseconds(cell.latencyMs.p95) },
  { title: 'p99 ms', text: (cell) => milliseconds(cell.latencyMs.p99) },
  { title: 'rows/s', text: (cell) => cell.throughputPerSecond.toFixed(1) },
  { title: 'memory', text: (cell) => formatBytes(cell.peakMemoryBytes) },
  { title: 'first answer', text: (cell) => formatDuration(cell.firstAnswerMs) },
];

function line(fields: readonly string[]): string {
  return `| ${fields.join(' | ')} |`;
}

/** Three significant digits are what a measurement like this is worth. */
function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
