import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseBytes, parseCpuMillicores } from '../../models/base/units.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { readHost } from '../../profiles/host.ts';
import type { Host } from '../../profiles/host-schema.ts';
import type { DroppedLine, Imported } from '../../profiles/import/imported.ts';
import { IMPORT_FORMATS, type ImportFormat, importTable } from '../../profiles/import/index.ts';
import { saveTable } from '../../profiles/store.ts';
import { parseBatches } from '../sweep/grid.ts';
import { parsePercent, parsePositiveMs } from './options.ts';

interface ImportOptions {
  readonly output: string;
  readonly format?: ImportFormat;
  readonly only?: string;
  readonly for?: string;
  readonly cpus?: number;
  readonly gpu?: number;
  readonly batch?: number;
  readonly startup?: number;
  readonly memory?: number;
  readonly here?: boolean;
}

/** `infless-profile import`: a table from what other programs wrote. */
export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('make a profile table of what another program measured')
    .argument('<file>', "INFless text, Triton's metrics-model-inference.csv, or what perf_analyzer -f wrote")
    .requiredOption('-o, --output <file>', 'the table (JSON)')
    .addOption(
      new Option('--format <format>', 'of the file (default: told by its first line)').choices(
        IMPORT_FORMATS,
      ),
    )
    .option('--only <name>', 'the model to take, where the file holds several')
    .option('--for <model>', 'the model that was measured, a file or zoo name: the table is for its digest')
    .option('--here', 'it was measured on a host like this one')
    .option(
      '--cpus <cores>',
      'CPU quota it was measured under, where the file does not tell (Triton)',
      (text) => parseCpuMillicores(text, '--cpus'),
    )
    .option(
      '--gpu <percent>',
      'GPU share, where the file does not tell (default: all of a GPU that it names)',
      (text) => parsePercent(text, '--gpu', 0, 100) * 100,
    )
    .option('--batch <size>', 'batch size, where the file does not tell (perf_analyzer)', parseBatch)
    .option('--startup <duration>', 'start of an instance to its first answer (default: 0)', (text) =>
      parsePositiveMs(text, '--startup'),
    )
    .option('--memory <size>', 'memory of an instance, where the file does not tell', (text) =>
      parseBytes(text, '--memory'),
    )
    .action(importFile);
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const text = await readInput(file);
  const { manifest } = options.for === undefined ? { manifest: undefined } : await resolveModel(options.for);
  const imports = importTable(text, file, {
    format: options.format,
    cpuMillicores: options.cpus,
    gpuPercent: options.gpu,
    batch: options.batch,
    startupMs: options.startup,
    memoryBytes: options.memory,
    createdAt: new Date().toISOString(),
  });
  const imported = choose(imports, options.only, file);
  const host = options.here === true ? await readHost() : undefined;
  await saveTable(describe(imported, manifest, host).table, options.output);
  for (const line of imported.dropped) process.stderr.write(`${droppedText(line)}\n`);
  process.stderr.write(`Table of ${imported.table.cells.length} cells saved as ${options.output}\n`);
}

function describe(imported: Imported, manifest: ModelManifest | undefined, host: Host | undefined): Imported {
  const { table } = imported;
  return {
    ...imported,
    table: { ...table, model: manifest ?? table.model, host: host ?? table.host },
  };
}

function choose(imports: readonly Imported[], only: string | undefined, file: string): Imported {
  const names = imports.map(({ table }) => table.model.name);
  if (only === undefined && imports.length === 1) return imports[0]!;
  const chosen = imports[names.indexOf(only ?? '')];
  if (chosen !== undefined) return chosen;
  throw new InflessError(
    'INVALID_INPUT',
    only === undefined
      ? `${file} holds several models: ${names.join(', ')}`
      : `${file} holds no model ${only}, but ${names.join(', ')}`,
    { remedy: 'Name the one to take, like --only NAME.' },
  );
}

function droppedText({ line, text, reason }: DroppedLine): string {
  return `left out, line ${line} (${reason}): ${text}`;
}

function parseBatch(text: string): number {
  const [batch, ...others] = parseBatches(text, '--batch');
  if (others.length === 0) return batch!;
  throw new InflessError('INVALID_INPUT', `--batch "${text}" is more than one`);
}

async function readInput(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    throw new InflessError(
      code === 'ENOENT' ? 'PROFILE_NOT_FOUND' : 'PROFILE_INVALID',
      code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read (${code ?? messageOf(error)})`,
      { remedy: 'Check the path.', cause: error },
    );
  }
}
