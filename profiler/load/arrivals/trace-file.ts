import { InflessError } from '../../../models/base/errors.ts';
import { readTextIfPresent } from '../../../models/base/files.ts';

/** A rate above this is a mistake: a timestamp, mostly. */
const MOST_PER_SECOND = 1e6;

/**
 * Reads a rate trace: one rate per line, or CSV of which one column holds the rates.
 *
 * @param column name from the header line, or number from 1; default: the first
 * @throws InflessError INVALID_INPUT naming the line that is no rate
 */
export async function readTrace(file: string, column = '1'): Promise<number[]> {
  const text = await readTextIfPresent(file);
  if (text === undefined) throw new InflessError('INVALID_INPUT', `Rate trace ${file} does not exist`);
  return parseTrace(text, `Rate trace ${file}`, column);
}

/** The rates in a trace's text. Empty lines and lines that start with `#` are passed over. */
export function parseTrace(text: string, what: string, column = '1'): number[] {
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ number: index + 1, line: line.trim() }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ number, line }) => ({ number, fields: line.split(',').map((field) => field.trim()) }));
  const header = lines[0]?.fields.every((field) => !isRate(field)) ? lines.shift()!.fields : [];
  const index = columnIndex(column, header, what);
  if (lines.length === 0) {
    throw new InflessError('INVALID_INPUT', `${what} holds no rates`, { remedy: 'Write one rate per line.' });
  }
  return lines.map(({ number, fields }) => {
    const field = fields[index] ?? '';
    if (isRate(field) && Number(field) <= MOST_PER_SECOND) return Number(field);
    if (isRate(field)) throw tooMuch(`${what}, line ${number}`, field);
    throw new InflessError('INVALID_INPUT', `${what}, line ${number}: "${field}" is not a rate`, {
      remedy: 'Write requests per second, zero or more, one line per interval.',
    });
  });
}

function tooMuch(where: string, field: string): InflessError {
  return new InflessError(
    'INVALID_INPUT',
    `${where}: ${field} requests per second are more than anyone sends`,
    { remedy: 'Are they timestamps? plan reads those with --trace-format timestamps.' },
  );
}

function columnIndex(column: string, header: readonly string[], what: string): number {
  const named = header.indexOf(column);
  if (named !== -1) return named;
  if (/^[1-9]\d*$/.test(column)) return Number(column) - 1;
  throw new InflessError('INVALID_INPUT', `${what} has no column "${column}"`, {
    remedy:
      header.length === 0 ? 'It has no header: give a number, from 1.' : `It has: ${header.join(', ')}.`,
  });
}

function isRate(field: string): boolean {
  return field !== '' && Number.isFinite(Number(field)) && Number(field) >= 0;
}
