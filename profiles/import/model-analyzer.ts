import { InflessError } from '../../models/base/errors.ts';
import { type CsvRecord, csvNumber, parseCsv } from './csv-file.ts';
import { foreignTable } from './foreign-table.ts';
import type { DroppedLine, Imported } from './imported.ts';
import { holdsWaiting, meanOfClosedLoop, type TritonOptions, type TritonRow, tritonLoad } from './triton.ts';

const BYTES_PER_MB = 1e6;

interface Row extends TritonRow {
  readonly instances: number;
}

/**
 * Reads `metrics-model-inference.csv` of Triton's Model Analyzer. A row becomes a cell where it is the time
 * of a batch alone: one instance, and one request at a time or the lowest request rate. What was measured
 * under more load holds waiting.
 *
 * By default the file tells throughput and p99 only. With one request at a time the mean is its inverse.
 *
 * @returns one table for each model, in the order of their first lines
 * @throws InflessError PROFILE_INVALID
 */
export function importModelAnalyzer(text: string, options: TritonOptions): Imported[] {
  const what = options.what ?? 'Model Analyzer CSV';
  const rows = parseCsv(text, what).map((record) => parseRow(record, options, what));
  const models = [...new Set(rows.map(({ model }) => model))];
  if (models.length === 0) {
    throw new InflessError('PROFILE_INVALID', `${what} holds no measurements`, {
      remedy: 'Give metrics-model-inference.csv of a finished analysis.',
    });
  }
  return models.map((model) => importModel(model, rows, options, what));
}

function importModel(model: string, all: readonly Row[], options: TritonOptions, what: string): Imported {
  const own = all.filter((row) => row.model === model);
  const dropped: DroppedLine[] = [];
  const alone = own.filter((row) => {
    const reason = reasonAgainst(row, own);
    if (reason !== undefined) dropped.push({ line: row.line, text: row.text, reason });
    return reason === undefined;
  });
  const imported = foreignTable(alone, "Triton's Model Analyzer", options);
  if (imported === undefined) {
    throw new InflessError(
      'PROFILE_INVALID',
      `${what} holds no row of ${model} with one instance and one request at a time`,
      {
        remedy: 'Analyze the model with one instance and a concurrency of 1 among the others.',
      },
    );
  }
  return {
    table: imported.table,
    dropped: [...dropped, ...imported.dropped].toSorted((a, b) => a.line - b.line),
  };
}

function reasonAgainst(row: Row, all: readonly Row[]): DroppedLine['reason'] | undefined {
  if (row.instances > 1) return 'several instances';
  return holdsWaiting(row, all) ? 'waiting included' : undefined;
}

function parseRow(record: CsvRecord, options: TritonOptions, what: string): Row {
  const number = (column: string): number | undefined => csvNumber(record, column, what);
  const batch = number('Batch');
  const load = tritonLoad(record, what);
  const p99 = number('p99 Latency (ms)');
  const mean =
    number('Avg Latency (ms)') ??
    (batch === undefined || load === undefined
      ? undefined
      : meanOfClosedLoop(batch, number('Throughput (infer/sec)'), load)) ??
    p99;
  const { Model: model } = record.fields;
  if (!model || batch === undefined || load === undefined || mean === undefined) {
    throw new InflessError('PROFILE_INVALID', `${what}, line ${record.line}, is not a measurement`, {
      remedy:
        'The columns Model, Batch, Concurrency or Request Rate, and Throughput, average or p99 latency are needed.',
    });
  }
  const group = instanceGroup(record.fields['Instance Group'] ?? '');
  const ramMb = number('RAM Usage (MB)') ?? number('Max RAM Usage (MB)');
  return {
    line: record.line,
    text: record.text,
    model,
    batch,
    cpuMillicores: options.cpuMillicores,
    gpuPercent: options.gpuPercent ?? (group.isGpu ? 100 : 0),
    latencyMs: { mean, p95: number('p95 Latency (ms)'), p99 },
    memoryBytes: ramMb === undefined ? undefined : Math.round(ramMb * BYTES_PER_MB),
    instances: group.count,
    load,
  };
}

/**
 * `2:GPU`, several as `1:GPU + 1:CPU`, or as earlier versions wrote them: `2/GPU`, `1/GPU,1/CPU`. Nothing
 * means that Triton chose: one on each GPU.
 */
function instanceGroup(text: string): { readonly count: number; readonly isGpu: boolean } {
  const groups = [...text.matchAll(/(\d+)\s*[:/]\s*([a-z]+)/gi)];
  if (groups.length === 0) return { count: 1, isGpu: true };
  return {
    count: groups.reduce((sum, [, count]) => sum + Number(count), 0),
    isGpu: groups.some(([, , kind]) => kind!.toUpperCase() === 'GPU'),
  };
}
