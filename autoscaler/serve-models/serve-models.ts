import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import { EXIT_INTERRUPTED } from '../../models/base/errors.ts';
import { stateDirectory as stateDirectoryOfUser } from '../../models/base/files.ts';
import { formatDuration } from '../../models/base/units.ts';
import { journalFolder } from '../journal/journal.ts';
import { percentileRateModel } from '../planning/capacity/percentile-rates.ts';
import { LocalBackend } from '../service/local-backend.ts';
import { startService } from '../service/service.ts';
import { serviceLogger } from '../service/service-logger.ts';
import { coarseTable, tableOfHere, tableText } from './coarse-table.ts';
import { type GivenModel, givenModels } from './given-models.ts';
import { invitation } from './invitation.ts';

/** What is asked of `infless serve`. */
export interface ServeModelsOptions {
  readonly models: readonly string[];
  /** In ms. */
  readonly slo: number;
  readonly host: string;
  readonly port: number;
  /** How long measuring one model may take, in ms. */
  readonly measure: number;
  readonly ui: 'on' | 'off';
  readonly stateDir: string | undefined;
  readonly logLevel: Parameters<typeof serviceLogger>[0];
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Serves models until Ctrl-C: each has a table of this machine before its function is declared.
 *
 * @throws InflessError for a model that cannot be run, an SLO that no config keeps, a port that is taken
 */
export async function serveModels(options: ServeModelsOptions): Promise<void> {
  const { signal, release } = onInterrupt();
  try {
    const models = await givenModels(options.models);
    for (const each of models) await ensureTable(each, options.measure, signal);
    await serveUntil(signal, models, options);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write(
      '\nInterrupted. The finished cells are kept: the same command goes on with the rest.\n',
    );
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    release();
  }
}

async function ensureTable(given: GivenModel, limitMs: number, signal: AbortSignal): Promise<void> {
  const { functionName } = given;
  const known = await tableOfHere(given);
  if (known !== undefined) return say(`${functionName}: ${tableText(known.table)} (${known.file})`);
  say(`${functionName}: no table of this machine yet, measuring for at most ${formatDuration(limitMs)}`);
  const beganAt = performance.now();
  const table = await coarseTable(given, limitMs, signal);
  say(`${functionName}: ${tableText(table, performance.now() - beganAt)}`);
}

async function serveUntil(
  signal: AbortSignal,
  models: readonly GivenModel[],
  { host, port, slo, ui, stateDir, logLevel }: ServeModelsOptions,
): Promise<void> {
  const stateDirectory = stateDir ?? (await mkdtemp(join(tmpdir(), 'infless-serve-')));
  try {
    const service = await startService({
      host,
      port,
      backend: new LocalBackend({ stateDirectory }),
      rates: percentileRateModel,
      logger: serviceLogger(logLevel),
      hasPage: ui === 'on',
      journalFolder: journalFolder(stateDir ?? stateDirectoryOfUser()),
    });
    try {
      for (const { functionName: name, reference: model } of models)
        await service.registry.declare({ name, model, slo: `${slo}ms` });
      say(`\n${invitation(models, service.url, slo, ui === 'on')}`);
      if (!signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      await service.close('stop');
    }
  } finally {
    if (stateDir === undefined) await rm(stateDirectory, { recursive: true, force: true });
  }
}
