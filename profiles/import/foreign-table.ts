import { createHash } from 'node:crypto';
import { packageVersion } from '../../models/base/package.ts';
import { type Config, configKey } from '../config.ts';
import { UNKNOWN_HOST } from '../host-schema.ts';
import { type Cell, PROFILE_SCHEMA, type ProfileTable } from '../table.ts';
import { implausible } from './implausible.ts';
import type { DroppedLine, Imported, ImportOptions } from './imported.ts';

const EPOCH = '1970-01-01T00:00:00.000Z';

/** A line of another tool's file: what it tells of one config. */
export interface ForeignRow extends Config {
  readonly line: number;
  readonly text: string;
  readonly model: string;
  readonly latencyMs: ForeignLatency;
  readonly memoryBytes?: number | undefined;
  readonly gpu?: Cell['gpu'];
}

/** Percentiles that the file does not tell are taken from the next higher that it does, the mean at last. */
export interface ForeignLatency {
  readonly mean: number;
  readonly p50?: number | undefined;
  readonly p95?: number | undefined;
  readonly p99?: number | undefined;
}

/**
 * One model's lines as a table. Lines that are no latencies are left out and named: what is not positive,
 * what comes a second time, and what contradicts the others (see {@link implausible}). The intervals are
 * unknown: the confidence level is 0.
 *
 * @returns undefined where no line is left
 */
export function foreignTable(
  rows: readonly ForeignRow[],
  origin: string,
  options: ImportOptions,
): Imported | undefined {
  const dropped: DroppedLine[] = [];
  const drop = ({ line, text }: ForeignRow, reason: DroppedLine['reason']): void => {
    dropped.push({ line, text, reason });
  };
  const seen = new Set<string>();
  const distinct = rows.filter((row) => {
    const reason =
      row.latencyMs.mean <= 0 ? 'not positive' : seen.has(configKey(row)) ? 'repeated' : undefined;
    if (reason === undefined) seen.add(configKey(row));
    else drop(row, reason);
    return reason === undefined;
  });
  const isImplausible = implausible(
    distinct.map(({ batch, cpuMillicores, gpuPercent, latencyMs }) => ({
      batch,
      cpuMillicores,
      gpuPercent,
      latencyMs: latencyMs.mean,
    })),
  );
  const kept = distinct.filter((row, index) => {
    if (isImplausible[index]) drop(row, 'implausible');
    return !isImplausible[index];
  });
  if (kept.length === 0) return undefined;
  return {
    table: tableOf(kept, origin, options),
    dropped: dropped.toSorted((a, b) => a.line - b.line),
  };
}

/** The digest is that of the lines: they name a model but do not tell which file it was. */
function tableOf(rows: readonly ForeignRow[], origin: string, options: ImportOptions): ProfileTable {
  const lines = rows.map(({ text }) => `${text}\n`).join('');
  const tensor = { name: 'unknown', dtype: 'float32' as const, shape: [null], batchAxis: 0 };
  return {
    schema: PROFILE_SCHEMA,
    createdAt: options.createdAt ?? EPOCH,
    tool: `infless ${packageVersion}, from ${origin}`,
    model: {
      name: rows[0]!.model,
      format: 'unknown',
      digest: `sha256:${createHash('sha256').update(lines).digest('hex')}`,
      sizeBytes: 0,
      inputs: [tensor],
      outputs: [tensor],
    },
    host: {
      ...UNKNOWN_HOST,
      cpuCores: Math.max(1, Math.ceil(Math.max(...rows.map(({ cpuMillicores }) => cpuMillicores)) / 1000)),
    },
    engine: 'unknown',
    quota: { mechanism: 'threads', periodMicros: null },
    confidence: { level: 0, relativeError: 1 },
    cells: rows.map((row) => cellOf(row, options)),
  };
}

function cellOf(row: ForeignRow, options: ImportOptions): Cell {
  const { batch, cpuMillicores, gpuPercent, latencyMs, gpu } = row;
  const { mean } = latencyMs;
  const p99 = latencyMs.p99 ?? latencyMs.p95 ?? mean;
  const p50 = latencyMs.p50 ?? Math.min(mean, p99);
  const startupMs = options.startupMs ?? 0;
  return {
    batch,
    cpuMillicores,
    gpuPercent,
    threads: Math.max(1, Math.ceil(cpuMillicores / 1000)),
    spinning: false,
    latencyMs: {
      mean,
      p50,
      p95: latencyMs.p95 ?? p99,
      p99,
      min: Math.min(mean, p50),
      max: Math.max(mean, p99),
      standardDeviation: 0,
      meanInterval: [mean, mean],
    },
    samples: 1,
    warmupRuns: 0,
    converged: true,
    throughputPerSecond: (batch * 1000) / mean,
    cpuMs: 0,
    codecMs: { decode: 0, encode: 0 },
    peakMemoryBytes: row.memoryBytes ?? options.memoryBytes ?? 0,
    loadMs: startupMs,
    firstAnswerMs: startupMs,
    throttling: null,
    ...(gpu === undefined ? {} : { gpu }),
  };
}
