import { formatRow, shapesOfTable } from '../conditions/shapes.ts';
import { compareConfigs } from '../config.ts';
import type { Cell, ProfileTable } from '../table.ts';

const COLUMNS: Readonly<Record<string, (cell: Cell) => number | string | boolean | null | undefined>> = {
  batch: (cell) => cell.batch,
  cpu_millicores: (cell) => cell.cpuMillicores,
  gpu_percent: (cell) => cell.gpuPercent,
  threads: (cell) => cell.threads,
  spinning: (cell) => cell.spinning,
  mean_ms: (cell) => cell.latencyMs.mean,
  mean_low_ms: (cell) => cell.latencyMs.meanInterval[0],
  mean_high_ms: (cell) => cell.latencyMs.meanInterval[1],
  p50_ms: (cell) => cell.latencyMs.p50,
  p95_ms: (cell) => cell.latencyMs.p95,
  p99_ms: (cell) => cell.latencyMs.p99,
  min_ms: (cell) => cell.latencyMs.min,
  max_ms: (cell) => cell.latencyMs.max,
  standard_deviation_ms: (cell) => cell.latencyMs.standardDeviation,
  samples: (cell) => cell.samples,
  warmup_runs: (cell) => cell.warmupRuns,
  converged: (cell) => cell.converged,
  predicted: (cell) => cell.predicted ?? false,
  verdicts: (cell) => cell.verdicts?.join(' '),
  throughput_per_second: (cell) => cell.throughputPerSecond,
  cpu_ms: (cell) => cell.cpuMs,
  decode_ms: (cell) => cell.codecMs.decode,
  encode_ms: (cell) => cell.codecMs.encode,
  peak_memory_bytes: (cell) => cell.peakMemoryBytes,
  load_ms: (cell) => cell.loadMs,
  first_answer_ms: (cell) => cell.firstAnswerMs,
  periods: (cell) => cell.throttling?.periods,
  throttled_periods: (cell) => cell.throttling?.throttledPeriods,
  throttled_ms: (cell) => cell.throttling?.throttledMs,
  gpu_memory_bytes: (cell) => cell.gpu?.memoryBytes,
  gpu_power_watts: (cell) => cell.gpu?.powerWatts,
  gpu_utilization_percent: (cell) => cell.gpu?.utilizationPercent,
  transfer_ms: (cell) => cell.transferMs,
  p99_low_ms: (cell) => cell.latencyMs.p99Interval?.[0],
  p99_high_ms: (cell) => cell.latencyMs.p99Interval?.[1],
  p99_under_100ms_period_ms: (cell) =>
    cell.otherPeriods?.find(({ periodMicros }) => periodMicros === 100_000)?.latencyMs.p99,
  serving_memory_bytes: (cell) => cell.serving?.peakMemoryBytes,
  lone_request_ms: (cell) => cell.serving?.loneRequestMs?.mean,
  provider: (cell) => cell.provider,
};

/**
 * One line a cell, under a header; the model's name comes first, so that several tables can be concatenated.
 */
export function toCsv(table: ProfileTable): string {
  const columns = Object.values(COLUMNS);
  const header = ['model', ...Object.keys(COLUMNS), 'row_shapes', 'period_micros'];
  const shapes = shapesOfTable(table)?.map(formatRow).join(' ') ?? '';
  const rows = table.cells
    .toSorted(compareConfigs)
    .map((cell) => [
      table.model.name,
      ...columns.map((column) => String(column(cell) ?? '')),
      shapes,
      String(cell.periodMicros ?? table.quota.periodMicros ?? ''),
    ]);
  return [header, ...rows].map((fields) => `${fields.map(quote).join(',')}\n`).join('');
}

/** RFC 4180. */
function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
