import type { CsvRecord } from './csv-file.ts';
import { csvNumber } from './csv-file.ts';
import type { ForeignRow } from './foreign-table.ts';
import type { ImportOptions } from './imported.ts';

/** What Triton's tools do not write down: under how much a model ran. */
export interface TritonOptions extends ImportOptions {
  /** CPU quota of the server in millicores. */
  readonly cpuMillicores: number;
  /** Share of the GPU; default: all of it where the file tells of a GPU, else none. */
  readonly gpuPercent?: number | undefined;
}

/** The load that a row was measured under: requests always under way, or so many a second. */
export interface TritonLoad {
  readonly kind: 'concurrency' | 'rate';
  readonly value: number;
}

export interface TritonRow extends ForeignRow {
  readonly load: TritonLoad;
}

/** Undefined where no column tells: newer versions leave it out where there was one request at a time. */
export function tritonLoad(record: CsvRecord, what: string): TritonLoad | undefined {
  const concurrency = csvNumber(record, 'Concurrency', what);
  if (concurrency !== undefined) return { kind: 'concurrency', value: concurrency };
  const rate = csvNumber(record, 'Request Rate', what);
  return rate === undefined ? undefined : { kind: 'rate', value: rate };
}

/**
 * Whether a row's latency holds waiting for other requests: more than one at a time, or more a second than
 * the lowest rate of its batch.
 */
export function holdsWaiting({ load, batch }: TritonRow, all: readonly TritonRow[]): boolean {
  if (load.kind === 'concurrency') return load.value > 1;
  const rates = all.filter((row) => row.batch === batch && row.load.kind === 'rate');
  return load.value > Math.min(...rates.map((row) => row.load.value));
}

/**
 * One request at a time: a batch takes as long as its rows over the rows a second. Undefined under other
 * loads.
 */
export function meanOfClosedLoop(
  batch: number,
  rowsPerSecond: number | undefined,
  { kind, value }: TritonLoad,
): number | undefined {
  if (kind !== 'concurrency' || rowsPerSecond === undefined || rowsPerSecond <= 0) return undefined;
  return (batch * value * 1000) / rowsPerSecond;
}
