import { basename, extname } from 'node:path';
import { InflessError } from '../../models/base/errors.ts';
import { csvHeader } from './csv-file.ts';
import type { Imported, ImportOptions } from './imported.ts';
import { importInflessText } from './infless-text.ts';
import { importModelAnalyzer } from './model-analyzer.ts';
import { importPerfAnalyzer } from './perf-analyzer.ts';

export const IMPORT_FORMATS = ['infless', 'model-analyzer', 'perf-analyzer'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** What the formats leave open; which of it is needed depends on the format. */
export interface AnyImportOptions extends ImportOptions {
  /** Default: told by the first line. */
  readonly format?: ImportFormat | undefined;
  readonly cpuMillicores?: number | undefined;
  readonly gpuPercent?: number | undefined;
  readonly batch?: number | undefined;
}

/**
 * Reads a table that another program wrote.
 *
 * @param file its name, which stands for the model's where the format names none
 * @returns one table for each model in it
 * @throws InflessError PROFILE_INVALID, or INVALID_INPUT where the format needs an option
 */
export function importTable(text: string, file: string, options: AnyImportOptions): readonly Imported[] {
  const format = options.format ?? formatOf(text);
  switch (format) {
    case 'infless':
      return importInflessText(text, { what: `INFless profile ${file}`, ...options });
    case 'model-analyzer':
      return importModelAnalyzer(text, {
        what: `Model Analyzer CSV ${file}`,
        ...options,
        cpuMillicores: quotaOf(options, file),
      });
    case 'perf-analyzer':
      return [
        importPerfAnalyzer(text, {
          what: `perf_analyzer CSV ${file}`,
          model: basename(file, extname(file)),
          ...options,
          cpuMillicores: quotaOf(options, file),
        }),
      ];
  }
}

function formatOf(text: string): ImportFormat {
  const header = csvHeader(text);
  if (header.includes('Model Config Path') && header.includes('Batch')) return 'model-analyzer';
  if (header.includes('Inferences/Second')) return 'perf-analyzer';
  return 'infless';
}

function quotaOf({ cpuMillicores }: AnyImportOptions, file: string): number {
  if (cpuMillicores !== undefined) return cpuMillicores;
  throw new InflessError('INVALID_INPUT', `${file} does not tell how much CPU the server had`, {
    remedy: 'Say it, like --cpus 4.',
  });
}
