import { type Info, parse } from 'csv-parse/sync';
import { InflessError, messageOf } from '../../models/base/errors.ts';

/** A record of a CSV file by its header's names. */
export interface CsvRecord {
  /** Where it ends, from 1. */
  readonly line: number;
  /** As it is in the file, without its line break. */
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The names in the first line. */
export function csvHeader(text: string): readonly string[] {
  return (text.split(/\r?\n/, 1)[0] ?? '').split(',').map((name) => name.trim());
}

/**
 * Reads a CSV file with a header. Records may have more fields than the header, as where lines end in a
 * comma.
 *
 * @param what starts the sentence: `Model Analyzer CSV results.csv`
 * @throws InflessError PROFILE_INVALID where it is no CSV
 */
export function parseCsv(text: string, what: string): readonly CsvRecord[] {
  try {
    const parsed = parse(text, {
      columns: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
      raw: true,
    }) as unknown as readonly { info: Info; raw: string; record: Record<string, string> }[];
    return parsed.map(({ info, raw, record }) => ({ line: info.lines, text: raw.trim(), fields: record }));
  } catch (error) {
    throw new InflessError('PROFILE_INVALID', `${what} is not CSV (${messageOf(error)})`, {
      remedy: 'Give the file as the tool wrote it.',
      cause: error,
    });
  }
}

/** How tools write that they have no figure. */
const NO_FIGURE = new Set(['', 'n/a', 'na', 'nan', 'none', '-', '--']);

/**
 * A number of a record; undefined where the column is missing, empty or says that there is none, as `N/A`.
 *
 * @throws InflessError PROFILE_INVALID for what is no number
 */
export function csvNumber({ fields, line }: CsvRecord, column: string, what: string): number | undefined {
  const text = fields[column] ?? '';
  if (NO_FIGURE.has(text.toLowerCase())) return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new InflessError('PROFILE_INVALID', `${what}, line ${line}: "${text}" is no number for "${column}"`, {
    remedy: 'Give the file as the tool wrote it.',
  });
}
