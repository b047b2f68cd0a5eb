import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { type Interrupt, onInterrupt } from '../../models/base/command-line/interrupt.ts';
import { createProgram } from '../../models/base/command-line/program.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../models/base/errors.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { formatDuration } from '../../models/base/units.ts';
import { bestConfig, fastestConfig, type Slo, tightestSloMs } from '../../profiles/best-config.ts';
import { formatConfig } from '../../profiles/config.ts';
import { formatTable, TABLE_FORMATS, type TableFormat } from '../../profiles/formats/index.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import type { InputShapes } from '../cell/cell-protocol.ts';
import { predictModel } from '../operators/prediction/predict-model.ts';
import { renderPage } from '../report/page/page.ts';
import { progressListener } from '../report/progress-line.ts';
import { renderSummary } from '../report/summary.ts';
import type { CpuFallback } from '../sweep/check-accelerator.ts';
import { parseBatches, parseCpus, parseGpuPercents } from '../sweep/grid.ts';
import { profileModel } from '../sweep/profile-model.ts';
import { addCompareCommand } from './compare-command.ts';
import { addEndpointCommand } from './endpoint-command.ts';
import { addExportCommand } from './export-command.ts';
import { addImportCommand } from './import-command.ts';
import { addMergeCommand } from './merge-command.ts';
import { addOperatorsCommand } from './operators-command.ts';
import {
  parseCount,
  parsePercent,
  parsePositiveMs,
  parseShape,
  readSlo,
  type SloOptions,
  sloOptionsOn,
} from './options.ts';
import { addReportCommand } from './report-command.ts';

interface CliOptions extends SloOptions {
  readonly batches?: number[];
  readonly cpus?: number[];
  readonly gpu?: number[];
  readonly provider?: string;
  readonly strict?: boolean;
  readonly allowFallback?: boolean;
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly predictionError?: number;
  readonly maxTime?: number;
  readonly predict?: boolean;
  readonly cells?: number;
  readonly confidence?: number;
  readonly error?: number;
  readonly cellTime?: number;
  readonly period?: number;
  readonly shape?: InputShapes;
  readonly modelName?: string;
  readonly resume?: boolean;
  readonly output?: string;
  readonly format?: TableFormat;
  readonly report?: string;
}

/** The command line of `infless-profile`. */
export function profileProgram(): Command {
  const program = createProgram(
    'infless-profile',
    'Measures how fast a model answers batches under CPU quotas, as a table that infless-autoscaler plans with.',
  )
    .enablePositionalOptions() // options behind a command's name are the command's
    .argument(
      '<model>',
      'a model file (.onnx, or the model.json of TF.js), or the name of a model that we can build: mobilenet, …',
    )
    .option('--batches <list>', 'batch sizes, like 1,2,4,8 (default: powers of two up to 32)', (text) =>
      parseBatches(text),
    )
    .option(
      '--cpus <list>',
      'CPU quotas in cores, like 0.5,1,2 (default: a quarter of a core up to all)',
      parseCpus,
    )
    .option(
      '--gpu <list>',
      'shares of the GPU in percent, like 0,25,50,100 (default: 0, without)',
      parseGpuPercents,
    )
    .option(
      '--provider <name>',
      'what of the engine runs shares of the GPU, like cuda or tensorrt; exit 4 if it cannot be used (default: cuda where there is a GPU)',
    )
    .option('--strict', 'refuse a model of which the provider leaves anything to the CPU')
    .option(
      '--allow-fallback',
      'measure a model whatever the provider leaves to the CPU (default: up to 2 % of the time)',
    )
    .option('--quick', 'a coarser grid, ±10 %, and about a second a cell')
    .option('--full', 'measure every cell of the grid, instead of predicting most of them')
    .option(
      '--prediction-error <percent>',
      'go on until predictions of held-out cells are off by no more in the median (default: 5%, or 30 % of the grid)',
      (text) => parsePercent(text, '--prediction-error', 0.1, 100),
    )
    .option(
      '--max-time <duration>',
      'predict what is not measured by then, like 3m (default: no limit)',
      (text) => parsePositiveMs(text, '--max-time'),
    )
    .option('--confidence <percent>', 'confidence of the mean (default: 95%)', (text) =>
      parsePercent(text, '--confidence', 50, 99.99),
    )
    .option('--error <percent>', 'how far the mean may be off with that confidence (default: 3%)', (text) =>
      parsePercent(text, '--error', 0.1, 50),
    )
    .option(
      '--cell-time <duration>',
      'time for a cell that does not get that precise (default: 3s)',
      (text) => parsePositiveMs(text, '--cell-time'),
    )
    .option('--period <duration>', "period of the kernel's CPU quota (default: 10ms)", (text) =>
      parsePositiveMs(text, '--period'),
    )
    .option(
      '--shape <input=sizes>',
      'sizes of an input with free dimensions, like images=1,3,640,640',
      parseShape,
    )
    .option('--model-name <name>', 'name of the model in the table (default: that of the file)')
    .option(
      '--predict',
      'predict all cells from operators of other models, see infless-profile operators --help',
    )
    .option(
      '--cells <count>',
      'with --predict: measure as many cells, to correct the predictions (default: 0)',
      (text) => parseCount(text, '--cells'),
    )
    .option('--resume', 'go on with an interrupted sweep of the same model and options')
    .option('-o, --output <file>', 'write the table there as well')
    .addOption(
      new Option('--format <format>', 'of the output file, or of standard output without one').choices(
        TABLE_FORMATS,
      ),
    )
    .option('--report <file>', 'write a page with charts (HTML)');
  sloOptionsOn(program, 'name the best config for this latency; exit 1 if there is none').action(profile);
  for (const add of [
    addEndpointCommand,
    addOperatorsCommand,
    addReportCommand,
    addCompareCommand,
    addMergeCommand,
    addImportCommand,
    addExportCommand,
  ]) {
    add(program);
  }
  return program;
}

async function profile(reference: string, options: CliOptions): Promise<void> {
  if (options.cells !== undefined && options.predict !== true) {
    throw new InflessError('INVALID_INPUT', '--cells corrects predictions, and none were asked for', {
      remedy: 'Add --predict, or leave --cells out.',
    });
  }
  for (const file of [options.output, options.report]) if (file !== undefined) await checkOutput(file);
  const interrupt = onInterrupt();
  try {
    await finish(await measureTable(reference, options, interrupt), options);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    const kept = `The finished cells are kept: ${pc.bold(resumeCommand())} goes on with the rest.`;
    process.stderr.write(`\nInterrupted. ${options.predict === true ? 'Nothing is kept.' : kept}\n`);
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    interrupt.release();
  }
}

function fallbackOf({ strict, allowFallback }: CliOptions): CpuFallback | undefined {
  if (strict !== true) return allowFallback === true ? 'any' : undefined;
  if (allowFallback !== true) return 'none';
  throw new InflessError('INVALID_INPUT', '--strict and --allow-fallback contradict each other', {
    remedy: 'Give one of them, or none.',
  });
}

function measureTable(reference: string, options: CliOptions, { signal }: Interrupt): Promise<ProfileTable> {
  const asked = {
    batches: options.batches,
    cpuMillicores: options.cpus,
    gpuPercents: options.gpu,
    provider: options.provider,
    cpuFallback: fallbackOf(options),
    quick: options.quick,
    full: options.full,
    predictionError: options.predictionError,
    maxTimeMs: options.maxTime,
    level: options.confidence,
    relativeError: options.error,
    cellTimeMs: options.cellTime,
    periodMicros: options.period === undefined ? undefined : Math.round(options.period * 1000),
    shapes: options.shape,
    modelName: options.modelName,
    resume: options.resume,
    journalFile: options.output === undefined ? undefined : `${options.output}.journal`,
  };
  const listener = progressListener(process.stderr);
  if (options.predict !== true) return profileModel(reference, asked, listener, signal);
  const note = (text: string): void => listener({ type: 'note', text });
  return predictModel(reference, { ...asked, measuredCells: options.cells }, note, signal);
}

async function finish(table: ProfileTable, options: CliOptions): Promise<void> {
  const slo = readSlo(options);
  const { output, format, report } = options;
  if (output !== undefined) {
    await writeFileSafely(output, formatTable(table, format ?? 'json'));
    process.stderr.write(`Table saved as ${output}\n`);
  }
  if (report !== undefined) {
    await writeFileSafely(report, await renderPage(table, slo));
    process.stderr.write(`Report saved as ${report}\n`);
  }
  if (output === undefined && format !== undefined) {
    process.stdout.write(formatTable(table, format));
    process.stderr.write(renderSummary(table, slo, colorsOf(process.stderr)));
  } else {
    process.stdout.write(renderSummary(table, slo, colorsOf(process.stdout)));
  }
  if (slo !== undefined && bestConfig(table.cells, slo) === undefined) throw infeasible(table, slo);
}

function colorsOf(stream: NodeJS.WriteStream): ReturnType<typeof pc.createColors> {
  return pc.createColors(stream.isTTY && pc.isColorSupported);
}

function infeasible(table: ProfileTable, slo: Slo): InflessError {
  const fastest = fastestConfig(table.cells, slo.percentile)!;
  const nearestSloMs = tightestSloMs(fastest, slo.percentile);
  return new InflessError(
    'SLO_INFEASIBLE',
    `No config of ${table.model.name} that was measured keeps p${slo.percentile} ≤ ${formatDuration(slo.sloMs)}`,
    {
      remedy: `The nearest feasible SLO is ${formatDuration(nearestSloMs)}, with ${formatConfig(fastest)}.`,
      details: { nearestSloMs },
    },
  );
}

/** Told before minutes of measuring, not after. That the folder can be written, the journal beside it finds out. */
async function checkOutput(file: string): Promise<void> {
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory() !== true) return;
  throw new InflessError('INVALID_INPUT', `Output ${file} is a folder`, {
    remedy: 'Give the name of a file in it.',
  });
}

function resumeCommand(): string {
  const given = process.argv.slice(2).filter((argument) => argument !== '--resume');
  return ['infless-profile', ...given.map(quoteForShell), '--resume'].join(' ');
}

function quoteForShell(argument: string): string {
  return /^[\w./,=:@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
