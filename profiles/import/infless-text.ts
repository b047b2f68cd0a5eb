import { InflessError } from '../../models/base/errors.ts';
import { readTextIfPresent } from '../../models/base/files.ts';
import { type ForeignRow, foreignTable } from './foreign-table.ts';
import type { Imported, ImportOptions } from './imported.ts';

const COLUMNS = 'model cpuThreads gpuPercent batch latencyMs';

/**
 * Reads the latency tables of the published INFless artifact (and what `infless-profile --format infless`
 * writes): lines of `model cpuThreads gpuPercent batch latencyMs`. Lines that are no latencies are left out
 * and named; see {@link foreignTable}. The text knows one number a cell: it stands for mean and percentiles
 * alike.
 *
 * @returns one table for each model named, in the order of their first lines
 * @throws InflessError PROFILE_INVALID naming the line
 */
export function importInflessText(text: string, options: ImportOptions = {}): Imported[] {
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
  return models.map((model) => {
    const own = rows.filter((row) => row.model === model);
    const imported = foreignTable(own, 'INFless text', options);
    if (imported !== undefined) return imported;
    throw new InflessError('PROFILE_INVALID', `${what} holds no latency of ${model} that can be one`, {
      remedy: 'Measure the model with infless-profile.',
    });
  });
}

/** Reads a file, see {@link importInflessText}. */
export async function readInflessText(file: string, options: ImportOptions = {}): Promise<Imported[]> {
  const text = await readTextIfPresent(file);
  if (text !== undefined) return importInflessText(text, { what: `INFless profile ${file}`, ...options });
  throw new InflessError('PROFILE_NOT_FOUND', `INFless profile ${file} does not exist`, {
    remedy: 'Check the path.',
  });
}

function parseRow(text: string, line: number, what: string): ForeignRow {
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
  return {
    line,
    text,
    model: model!,
    cpuMillicores: Math.round(threads! * 1000),
    gpuPercent: gpuPercent!,
    batch: batch!,
    latencyMs: { mean: latencyMs! },
  };
}
