import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { InflessError, messageOf, systemCode } from '../../../models/base/errors.ts';

export interface CsvRow {
  /** From 1, the header's being line 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

export interface CsvLayout {
  /** How errors call the file's kind: `Azure Functions 2019 trace`. */
  readonly what: string;
  /** What its header line must begin with. */
  readonly columns: readonly string[];
}

/**
 * Rows of a large CSV file without quoted fields, one by one: such files may be larger than memory.
 *
 * @throws InflessError INVALID_INPUT for a file that cannot be read or has another header
 */
export async function* csvRows(file: string, layout: CsvLayout): AsyncGenerator<CsvRow> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      if (text.trim() === '') continue;
      const fields = text.replace(/^\uFEFF/, '').split(',');
      if (line === 1) requireHeader(fields, file, layout);
      else yield { line, fields };
    }
  } catch (error) {
    if (error instanceof InflessError || systemCode(error) === undefined) throw error;
    throw new InflessError('INVALID_INPUT', `${layout.what} ${file} cannot be read (${messageOf(error)})`, {
      remedy: 'Check the path.',
      cause: error,
    });
  }
  if (line === 0) throw new InflessError('INVALID_INPUT', `${layout.what} ${file} is empty`);
}

function requireHeader(fields: readonly string[], file: string, { what, columns }: CsvLayout): void {
  if (columns.every((column, index) => fields[index]?.trim() === column)) return;
  throw new InflessError(
    'INVALID_INPUT',
    `${file} is no ${what}: its header begins with "${fields.slice(0, columns.length).join(',')}"`,
    { remedy: `The header has to begin with ${columns.join(',')}.` },
  );
}
