import { createHash } from 'node:crypto';
import { InflessError } from '../../models/base/errors.ts';
import { readTextIfPresent } from '../../models/base/files.ts';
import { packageVersion } from '../../models/base/package.ts';
import type { Cell, ProfileTable } from '../table.ts';
import { PROFILE_SCHEMA } from '../table.ts';
import { implausible, type MeasuredTime } from './implausible.ts';

/** What the text does not say and a plan needs. */
export interface InflessTextOptions {
  /** Starting an instance to its first answer, in ms. */
  readonly startupMs?: number;
  /** Memory of an instance; default: 0, which means that memory limits nothing. */
  readonly memoryBytes?: number;
  /** When it was measured, ISO 8601. */
  readonly createdAt?: string;
  /** How errors call the text. */
  readonly what?: string;
}

/** A line that is no latency, and why. */
export interface DroppedLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly reason: 'implausible' | 'not positive' | 'repeated';
}

export interface InflessTextImport {
  readonly table: ProfileTable;
  readonly dropped: readonly DroppedLine[];
}

interface Row extends MeasuredTime {
  readonly line: number;
  readonly text: string;
  readonly model: string;
}

const COLUMNS = 'model cpuThreads gpuPercent batch latencyMs';
const EPOCH = '1970-01-01T00:00:00.000Z';

/**
 * Reads the latency tables of the published INFless artifact (and what `infless-profile --format infless` writes): lines of
 * `model cpuThreads gpuPercent batch latencyMs`. Lines that are no latencies are left out and named; see
 * {@link implausible}. The text knows one number a cell: it stands for mean and percentiles alike.
 *
 * @returns one table for each model named, in the order of their first lines
 * @throws InflessError PROFILE_INVALID naming the line
 */
export function importInflessText(text: string, options: InflessTextOptions = {}): InflessTextImport[] {
  const what = options.what ?? 'INFless profile';
  const rows = text.split(/\r?\n/).flatMap((line, index) => {
    const trimmed = line.trim();
    return trimmed === '' || trimmed.startsWith('#') ? [] : [parseRow(trimmed, index + 1, what)];
  });
  if (rows.length === 0) {
    throw new InflessError('PROFILE_INVALID', `${what} holds no measurements`, {
      remedy: `Write lines of: ${COLUMNS}.`,
    });
  }
  const models = [...new Set(rows.map(({ model }) => model))];
  return models.map((model) => importModel(model, rows, options, what));
}

/** Reads a file, see {@link importInflessText}. */
export async function readInflessText(
  file: string,
  options: InflessTextOptions = {},
): Promise<InflessTextImport[]> {
  const text = await readTextIfPresent(file);
  if (text !== undefined) return importInflessText(text, { what: `INFless profile ${file}`, ...options });
  throw new InflessError('PROFILE_NOT_FOUND', `INFless profile ${file} does not exist`, {
    remedy: 'Check the path.',
  });
}

function parseRow(text: string, line: number, what: string): Row {
  const [model, ...fields] = text.split(/\s+/);
  const [threads, gpuPercent, batch, latencyMs] = fields.map(Number);
  const isValid =
    fields.length === 4 &&
    threads! > 0 &&
    gpuPercent! >= 0 &&
    gpuPercent! <= 100 &&
    Number.isInteger(batch) &&
    batch! >= 1 &&
    Number.isFinite(latencyMs);
  if (!isValid) {
    throw new InflessError('PROFILE_INVALID', `${what}, line ${line}: "${text}" is not a measurement`, {
      remedy: `Write lines of: ${COLUMNS}.`,
    });
  }
  const cpuMillicores = Math.round(threads! * 1000);
  return {
    line,
    text,
    model: model!,
    cpuMillicores,
    gpuPercent: gpuPercent!,
    batch: batch!,
    latencyMs: latencyMs!,
  };
}

function importModel(
  model: string,
  all: readonly Row[],
  options: InflessTextOptions,
  what: string,
): InflessTextImport {
  const dropped: DroppedLine[] = [];
  const seen = new Set<string>();
  const rows = all.filter((row) => {
    if (row.model !== model) return false;
    const key = `${row.batch}/${row.cpuMillicores}/${row.gpuPercent}`;
    const reason = row.latencyMs <= 0 ? 'not positive' : seen.has(key) ? 'repeated' : undefined;
    if (reason !== undefined) dropped.push({ line: row.line, text: row.text, reason });
    else seen.add(key);
    return reason === undefined;
  });
  const isImplausible = implausible(rows);
  const kept = rows.filter((row, index) => {
    if (isImplausible[index]) dropped.push({ line: row.line, text: row.text, reason: 'implausible' });
    return !isImplausible[index];
  });
  if (kept.length === 0) {
    throw new InflessError('PROFILE_INVALID', `${what} holds no latency of ${model} that can be one`, {
      remedy: 'Measure the model with infless-profile.',
    });
  }
  return { table: tableOf(model, kept, options), dropped: dropped.toSorted((a, b) => a.line - b.line) };
}

/** The digest is that of the lines: they name a model but do not tell which file it was. */
function tableOf(model: string, rows: readonly Row[], options: InflessTextOptions): ProfileTable {
  const lines = rows.map(({ text }) => `${text}\n`).join('');
  const tensor = { name: 'unknown', dtype: 'float32' as const, shape: [null], batchAxis: 0 };
  return {
    schema: PROFILE_SCHEMA,
    createdAt: options.createdAt ?? EPOCH,
    tool: `infless ${packageVersion}, from INFless text`,
    model: {
      name: model,
      format: 'onnx',
      digest: `sha256:${createHash('sha256').update(lines).digest('hex')}`,
      sizeBytes: 0,
      inputs: [tensor],
      outputs: [tensor],
    },
    host: {
      cpuModel: 'unknown',
      cpuCores: Math.max(1, Math.ceil(Math.max(...rows.map(({ cpuMillicores }) => cpuMillicores)) / 1000)),
      cpuFlags: [],
      memoryBytes: 1,
      platform: 'unknown',
      arch: 'unknown',
      kernel: 'unknown',
      node: 'unknown',
      gpus: [],
      fingerprint: 'unknown',
    },
    engine: 'unknown',
    quota: { mechanism: 'threads', periodMicros: null },
    confidence: { level: 0, relativeError: 1 },
    cells: rows.map((row) => cellOf(row, options)),
  };
}

function cellOf({ batch, cpuMillicores, gpuPercent, latencyMs }: Row, options: InflessTextOptions): Cell {
  const startupMs = options.startupMs ?? 0;
  return {
    batch,
    cpuMillicores,
    gpuPercent,
    threads: Math.max(1, Math.ceil(cpuMillicores / 1000)),
    spinning: false,
    latencyMs: {
      mean: latencyMs,
      p50: latencyMs,
      p95: latencyMs,
      p99: latencyMs,
      min: latencyMs,
      max: latencyMs,
      standardDeviation: 0,
      meanInterval: [latencyMs, latencyMs],
    },
    samples: 1,
    warmupRuns: 0,
    converged: true,
    throughputPerSecond: (batch * 1000) / latencyMs,
    cpuMs: 0,
    codecMs: { decode: 0, encode: 0 },
    peakMemoryBytes: options.memoryBytes ?? 0,
    loadMs: startupMs,
    firstAnswerMs: startupMs,
    throttling: null,
  };
}
