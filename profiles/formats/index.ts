import { compareConfigs } from '../config.ts';
import type { ProfileTable } from '../table.ts';
import { toCsv } from './csv.ts';
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

/**
 * The lines of the published INFless artifact: `model cpuThreads gpuPercent batch latencyMs`, the latency
 * being the mean. The artifact gave whole CPU threads; here that column is the CPU quota in cores, so that
 * half a core is `0.5`. Readers that expect an integer should profile whole cores only.
 */
export function toInflessText(table: ProfileTable): string {
  const model = table.model.name.replace(/\s+/g, '-'); // a space would shift the columns
  return table.cells
    .toSorted(compareConfigs)
    .map(
      ({ cpuMillicores, gpuPercent, batch, latencyMs }) =>
        `${model} ${cpuMillicores / 1000} ${gpuPercent} ${batch} ${latencyMs.mean.toFixed(6)}\n`,
    )
    .join('');
}
