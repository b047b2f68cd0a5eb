import { InflessError } from '../../../models/base/errors.ts';

/** Numbers above this are no rates and no times from a start, but dates: 1973 in seconds. */
const LEAST_DATE = 1e8;
/** Units of numeric dates, by their least plausible size: nanoseconds, microseconds, milliseconds. */
const UNITS = [
  { from: 1e17, perMs: 1e6 },
  { from: 1e14, perMs: 1e3 },
  { from: 1e11, perMs: 1 },
] as const;
const SECOND_MS = 1000;
const DATE = /^\d{4}-\d\d-\d\d([T ]|$)/;

interface Line {
  readonly number: number;
  readonly fields: readonly string[];
}

/** Whether a trace holds the times of requests rather than rates: dates, as text or as numbers. */
export function holdsTimestamps(text: string, column: string): boolean {
  const { lines, header } = linesOf(text);
  const at = columnOf(column, header);
  const fields = lines.slice(0, 5).map((line) => line.fields[at] ?? '');
  return fields.length > 0 && fields.every((field) => DATE.test(field) || Number(field) >= LEAST_DATE);
}

/**
 * The times of requests in a trace, one a line, in ms from the first: dates (`2026-05-01T12:00:00.250Z`), or
 * numbers since 1970 in seconds, milliseconds, microseconds or nanoseconds, told by their size; smaller
 * numbers are seconds.
 *
 * @param column of CSV, by header or number from 1
 * @throws InflessError INVALID_INPUT naming the line that is none
 */
export function parseTimestamps(text: string, what: string, column: string): Float64Array {
  const { lines, header } = linesOf(text);
  const at = columnOf(column, header);
  if (lines.length === 0) {
    throw new InflessError('INVALID_INPUT', `${what} holds no timestamps`, {
      remedy: 'Write one a line.',
    });
  }
  const timesMs = Float64Array.from(lines, ({ number, fields }) => {
    const timeMs = timeOf(fields[at] ?? '');
    if (Number.isFinite(timeMs)) return timeMs;
    throw new InflessError(
      'INVALID_INPUT',
      `${what}, line ${number}: "${fields[at] ?? ''}" is no timestamp`,
      {
        remedy: 'Write dates like 2026-05-01T12:00:00.250Z, or seconds.',
      },
    );
  }).sort();
  const [firstMs] = timesMs;
  return timesMs.map((timeMs) => timeMs - firstMs!);
}

function timeOf(field: string): number {
  if (DATE.test(field)) return Date.parse(field);
  const value = field === '' ? Number.NaN : Number(field);
  const unit = UNITS.find(({ from }) => value >= from);
  return unit === undefined ? value * SECOND_MS : value / unit.perMs;
}

function linesOf(text: string): { readonly lines: readonly Line[]; readonly header: readonly string[] } {
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ number: index + 1, fields: line.split(',').map((field) => field.trim()) }))
    .filter(({ fields }) => !(fields.length === 1 && fields[0] === '') && !fields[0]!.startsWith('#'));
  const isHeader = lines[0]?.fields.every((field) => !Number.isFinite(timeOf(field))) ?? false;
  return isHeader ? { header: lines[0]!.fields, lines: lines.slice(1) } : { header: [], lines };
}

/** Of an unknown name: one that no line has. */
function columnOf(column: string, header: readonly string[]): number {
  const named = header.indexOf(column);
  return named >= 0 ? named : Number(column) - 1;
}
