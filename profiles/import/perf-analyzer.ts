import { InflessError } from '../../models/base/errors.ts';
import { type CsvRecord, csvNumber, parseCsv } from './csv-file.ts';
import { type ForeignRow, foreignTable } from './foreign-table.ts';
import type { DroppedLine, Imported } from './imported.ts';
import { holdsWaiting, meanOfClosedLoop, type TritonOptions, type TritonRow, tritonLoad } from './triton.ts';

export interface PerfAnalyzerOptions extends TritonOptions {
  /** The file names no model. */
  readonly model: string;
  /**
   * Of `perf_analyzer -b`, which the file does not tell; a column "Batch Size", as scripts put before, does.
   */
  readonly batch?: number | undefined;
}

/** Where the file has no column of the load. */
const ALONE = { kind: 'concurrency', value: 1 } as const;

/**
 * Reads what `perf_analyzer -f` (earlier `perf_client`) writes: latencies in µs as the client saw them,
 * network included. Only rows with one request at a time, or the lowest rate, are the time of a batch; all
 * others hold waiting.
 *
 * @throws InflessError PROFILE_INVALID
 */
export function importPerfAnalyzer(text: string, options: PerfAnalyzerOptions): Imported {
  const what = options.what ?? 'perf_analyzer CSV';
  const rows = parseCsv(text, what).map((record) => parseRow(record, options, what));
  const waiting = new Set(rows.filter((row) => holdsWaiting(row, rows)));
  const alone = rows.filter((row) => !waiting.has(row));
  const imported = foreignTable(alone, 'perf_analyzer', options);
  if (imported === undefined) {
    throw new InflessError('PROFILE_INVALID', `${what} holds no row with one request at a time`, {
      remedy: 'Run perf_analyzer with --concurrency-range 1.',
    });
  }
  const left = [...waiting].map(
    ({ line, text }): DroppedLine => ({ line, text, reason: 'waiting included' }),
  );
  return {
    table: imported.table,
    dropped: [...left, ...imported.dropped].toSorted((a, b) => a.line - b.line),
  };
}

function parseRow(record: CsvRecord, options: PerfAnalyzerOptions, what: string): TritonRow {
  const number = (column: string): number | undefined => csvNumber(record, column, what);
  const milliseconds = (column: string): number | undefined => {
    const micros = number(column);
    return micros === undefined ? undefined : micros / 1000;
  };
  const batch = number('Batch Size') ?? options.batch ?? 1;
  const load = tritonLoad(record, what) ?? ALONE;
  const p50 = milliseconds('p50 latency');
  const mean =
    milliseconds('Avg latency') ?? meanOfClosedLoop(batch, number('Inferences/Second'), load) ?? p50;
  if (mean === undefined) {
    throw new InflessError('PROFILE_INVALID', `${what}, line ${record.line}, is not a measurement`, {
      remedy: 'One of the columns Avg latency, Inferences/Second and p50 latency is needed.',
    });
  }
  const gpu = gpuUse(record);
  return {
    line: record.line,
    text: record.text,
    model: options.model,
    batch,
    cpuMillicores: options.cpuMillicores,
    gpuPercent: options.gpuPercent ?? (gpu === undefined ? 0 : 100),
    latencyMs: {
      mean,
      p50,
      p95: milliseconds('p95 latency'),
      p99: milliseconds('p99 latency'),
    },
    load,
    gpu,
  };
}

/** `GPU-8557549f:0.045;` for each GPU, of which the most is taken. */
function gpuUse({ fields }: CsvRecord): ForeignRow['gpu'] {
  const memoryBytes = largest(fields['Max GPU Memory Usage']);
  if (memoryBytes === undefined) return undefined;
  const utilization = largest(fields['Avg GPU Utilization']);
  return {
    memoryBytes,
    powerWatts: largest(fields['Avg GPU Power Usage']) ?? null,
    utilizationPercent: utilization === undefined ? null : utilization * 100,
  };
}

function largest(text: string | undefined): number | undefined {
  const values = (text ?? '')
    .split(';')
    .filter((part) => part.includes(':'))
    .map((part) => Number(part.slice(part.lastIndexOf(':') + 1)))
    .filter(Number.isFinite);
  return values.length === 0 ? undefined : Math.max(...values);
}
