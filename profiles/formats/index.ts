import type { ProfileTable } from '../table.ts';
import { toCsv } from './csv.ts';
import { toInflessText } from './infless-text.ts';
import { toMarkdown } from './markdown.ts';

const FORMATTERS = {
  json: (table: ProfileTable) => `${JSON.stringify(table, null, 2)}\n`,
  csv: toCsv,
  infless: toInflessText,
  markdown: toMarkdown,
} as const satisfies Record<string, (table: ProfileTable) => string>;

export type TableFormat = keyof typeof FORMATTERS;
export const TABLE_FORMATS = Object.keys(FORMATTERS) as readonly TableFormat[];

/** A table as text that ends in a line break. `json` is the only format that can be read back. */
export function formatTable(table: ProfileTable, format: TableFormat): string {
  return FORMATTERS[format](table);
}
