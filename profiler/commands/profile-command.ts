import { stat } from 'node:fs/promises';
import pc from 'picocolors';
import { type Interrupt, onInterrupt } from '../../models/base/command-line/interrupt.ts';
import type { Invocation } from '../../models/base/command-line/option-table.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../models/base/errors.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { formatDuration } from '../../models/base/units.ts';
import { readLikeness } from '../../models/sample/options.ts';
import { bestConfig, fastestConfig, type Slo, tightestSloMs } from '../../profiles/best-config.ts';
import { formatConfig } from '../../profiles/config.ts';
import { formatTable } from '../../profiles/formats/index.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { predictModel } from '../operators/prediction/predict-model.ts';
import { renderPage } from '../report/page/page.ts';
import { progressListener } from '../report/progress-line.ts';
import { renderSummary } from '../report/summary.ts';
import type { CpuFallback } from '../sweep/check-accelerator.ts';
import { profileModel } from '../sweep/profile-model.ts';
import { refreshTable } from '../sweep/refresh-table.ts';
import { readSlo } from './options.ts';
import type { ProfileValues } from './profile-options.ts';
import { readStaleCells } from './stale-cells.ts';

/** Measures a table, or predicts it, and writes what was asked for. */
export async function profile(options: ProfileValues, invocation: Invocation): Promise<void> {
  if (options.cells !== undefined && !options.predict) {
    throw new InflessError('INVALID_INPUT', '--cells needs --predict', {
      remedy: 'Add --predict, or leave --cells out.',
    });
  }
  if (options.predict && (options.period !== undefined || options.refresh !== undefined)) {
    const flag = options.period === undefined ? '--refresh' : '--period';
    throw new InflessError('INVALID_INPUT', `${flag} measures, and --predict does not`, {
      remedy: 'Give one of them.',
    });
  }
  for (const file of [options.output, options.report]) if (file !== undefined) await checkOutput(file);
  const interrupt = onInterrupt();
  try {
    await finish(await measureTable(options, interrupt), options);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    const kept = `The finished cells are kept: ${pc.bold(resumeCommand(invocation))} goes on with the rest.`;
    process.stderr.write(`\nInterrupted. ${options.predict ? 'Nothing is kept.' : kept}\n`);
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    interrupt.release();
  }
}

function fallbackOf({ strict, allowFallback }: ProfileValues): CpuFallback | undefined {
  if (!strict) return allowFallback ? 'any' : undefined;
  if (!allowFallback) return 'none';
  throw new InflessError('INVALID_INPUT', '--strict and --allow-fallback contradict each other', {
    remedy: 'Give one of them, or none.',
  });
}

async function measureTable(options: ProfileValues, { signal }: Interrupt): Promise<ProfileTable> {
  const asked = {
    batches: options.batches,
    batching: options.batching,
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
    otherPeriodMicros: options.period === undefined ? undefined : Math.round(options.period * 1000),
    like: await readLikeness(options),
    slo: readSlo(options),
    modelName: options.modelName,
    replace: options.replace,
    resume: options.resume,
    journalFile: options.output === undefined ? undefined : `${options.output}.journal`,
  };
  const listener = progressListener(process.stderr);
  if (options.refresh !== undefined)
    return refreshTable(options.model, await readStaleCells(options.refresh), asked, listener, signal);
  if (!options.predict) return profileModel(options.model, asked, listener, signal);
  const note = (text: string): void => listener({ type: 'note', text });
  return predictModel(options.model, { ...asked, measuredCells: options.cells }, note, signal);
}

async function finish(table: ProfileTable, options: ProfileValues): Promise<void> {
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
  if (slo !== undefined && bestConfig(table, slo) === undefined) throw infeasible(table, slo);
}

function colorsOf(stream: NodeJS.WriteStream): ReturnType<typeof pc.createColors> {
  return pc.createColors(stream.isTTY && pc.isColorSupported);
}

function infeasible(table: ProfileTable, slo: Slo): InflessError {
  const fastest = fastestConfig(table, slo.percentile)!;
  const nearestSloMs = tightestSloMs(table, fastest, slo.percentile);
  return new InflessError(
    'SLO_INFEASIBLE',
    `No config of ${table.model.name} that was measured keeps p${slo.percentile} ≤ ${formatDuration(slo.sloMs)}`,
    {
      remedy: `The nearest feasible SLO is ${formatDuration(nearestSloMs)}, with ${formatConfig(fastest)}.`,
      details: { nearestSloMs },
    },
  );
}

/**
 * Told before minutes of measuring, not after. That the folder can be written, the journal beside it finds
 * out.
 */
async function checkOutput(file: string): Promise<void> {
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory() !== true) return;
  throw new InflessError('INVALID_INPUT', `Output ${file} is a folder`, {
    remedy: 'Give the name of a file in it.',
  });
}

function resumeCommand({ command, args }: Invocation): string {
  const given = args.filter((argument) => argument !== '--resume');
  return [command, ...given.map(quoteForShell), '--resume'].join(' ');
}

function quoteForShell(argument: string): string {
  return /^[\w./,=:@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
