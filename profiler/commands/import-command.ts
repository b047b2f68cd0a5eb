import { readFile } from 'node:fs/promises';
import {
  argument,
  defineProgram,
  option,
  toggle,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { file, oneOf, text } from '../../models/base/command-line/parsers.ts';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseBytes, parseCpuMillicores } from '../../models/base/units.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { modelReference } from '../../models/zoo/names.ts';
import { readHost } from '../../profiles/host.ts';
import type { Host } from '../../profiles/host-schema.ts';
import type { DroppedLine, Imported } from '../../profiles/import/imported.ts';
import { IMPORT_FORMATS, importTable } from '../../profiles/import/index.ts';
import { saveTable } from '../../profiles/store.ts';
import { parseBatches } from '../sweep/grid.ts';
import { parsePercent, parsePositiveMs } from './options.ts';

const OPTIONS = {
  file: argument({
    argument: '<file>',
    parse: file,
    help: "INFless text, Triton's metrics-model-inference.csv, or what perf_analyzer -f wrote",
  }),
  output: option({ flag: '-o, --output <file>', parse: file, required: true, help: 'the table (JSON)' }),
  format: option({
    flag: '--format <format>',
    parse: oneOf(IMPORT_FORMATS),
    otherwise: 'by its first line',
    help: 'format of the file',
  }),
  only: option({
    flag: '--only <name>',
    parse: text,
    help: 'the model to import, if the file has several',
  }),
  for: option({
    flag: '--for <model>',
    parse: modelReference,
    help: 'the model that was measured, a file or zoo name: the table is for its digest',
  }),
  here: toggle({ flag: '--here', help: 'it was measured on a host like this one' }),
  cpus: option({
    flag: '--cpus <cores>',
    parse: parseCpuMillicores,
    help: 'CPU quota it was measured under, if the file does not say (Triton)',
  }),
  gpu: option({
    flag: '--gpu <percent>',
    parse: (given, name) => parsePercent(given, name, 0, 100) * 100,
    otherwise: 'the whole of a GPU that it names',
    help: 'GPU share, if the file does not say',
  }),
  batch: option({
    flag: '--batch <size>',
    parse: parseBatch,
    help: 'batch size, if the file does not say (perf_analyzer)',
  }),
  startup: option({
    flag: '--startup <duration>',
    parse: parsePositiveMs,
    otherwise: '0',
    help: 'start of an instance to its first answer',
  }),
  memory: option({
    flag: '--memory <size>',
    parse: parseBytes,
    help: 'memory of an instance, if the file does not say',
  }),
};

/** `infless-profile import`: a table from what other programs wrote. */
export const importCommand = defineProgram({
  name: 'import',
  summary: 'Make a profile table from what another program measured.',
  options: OPTIONS,
  run: importFile,
});

async function importFile({ file, ...options }: Values<typeof OPTIONS>): Promise<void> {
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
  const host = options.here ? await readHost() : undefined;
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

function parseBatch(given: string, name: string): number {
  const [batch, ...others] = parseBatches(given, name);
  if (others.length === 0) return batch!;
  throw new InflessError('INVALID_INPUT', `${name} "${given}" is more than one`);
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
