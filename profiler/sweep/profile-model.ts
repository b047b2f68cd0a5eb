import { InflessError } from '../../models/base/errors.ts';
import { packageVersion } from '../../models/base/package.ts';
import { formatDuration } from '../../models/base/units.ts';
import type { Engine } from '../../models/engines/engine.ts';
import { engineFor } from '../../models/engines/index.ts';
import type { ProviderName } from '../../models/engines/provider.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { canBatch, type ModelFile } from '../../models/manifest/manifest.ts';
import { locateModel } from '../../models/resolve/locate-model.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { isZooName } from '../../models/zoo/names.ts';
import { withTails } from '../../profiles/capacity/tails.ts';
import { SERVING_PATH } from '../../profiles/conditions/due.ts';
import { guessCaveats, measuredShapes } from '../../profiles/conditions/shapes.ts';
import { type Config, compareConfigs } from '../../profiles/config.ts';
import { readHost } from '../../profiles/host.ts';
import type { Host } from '../../profiles/host-schema.ts';
import { cacheFileStem, keepBetter } from '../../profiles/store.ts';
import { predictCells } from '../../profiles/surface/predict-cells.ts';
import {
  type Accelerator,
  type Cell,
  type MeasuredShape,
  PROFILE_SCHEMA,
  type ProfileTable,
  type ThreadChoice,
} from '../../profiles/table.ts';
import type { CellSettings } from '../cell/measure-cell.ts';
import { measureServing, type ServingPoints, withServing } from '../cell/serving/serving-cells.ts';
import { openSweepGpu, type SweepGpu } from '../gpu/sweep-gpu.ts';
import { checkPeriodMicros } from '../quota/cfs-limits.ts';
import { availableCpuMillicores } from '../quota/cpu-limit.ts';
import { describeQuotas, openSweepQuotas } from '../quota/measurement-quotas.ts';
import type { Quotas } from '../quota/quota.ts';
import { type CellEnvironment, CellRunner } from './cell-runner.ts';
import { checkAccelerator } from './check-accelerator.ts';
import { measureFrontier } from './frontier-period.ts';
import { cellsOf, type Grid } from './grid.ts';
import { Journal } from './journal.ts';
import { type ProfileListener, remainingMs, TimeLimit } from './progress.ts';
import { heldOutError } from './sampling/held-out.ts';
import { missesSlo, sweep } from './sweep.ts';
import {
  asksForGpu,
  gridOf,
  type ProfileOptions,
  settingsOf,
  strategyOf,
  whyUnbatched,
} from './sweep-options.ts';
import { chooseThreads, chosenThreading, expectedThreading } from './threads/choose-threads.ts';

export type { ProfileEvent, ProfileListener } from './progress.ts';
export type { ProfileOptions } from './sweep-options.ts';

/**
 * Measures a model under as many configs of the grid as it takes to know the others, and saves the table in
 * the cache, where `findTable` finds it by the model's digest.
 *
 * @param reference a zoo name or a model file
 * @param onProgress hears of every cell, of what could not be measured and of the file written
 * @param signal ends the sweep; finished cells stay in the journal
 * @throws InflessError: the model cannot be read or does not run, an option does not fit model or host, the
 * cache cannot be written. When aborted, the signal's reason.
 */
export async function profileModel(
  reference: string,
  options: ProfileOptions = {},
  onProgress: ProfileListener = () => undefined,
  signal?: AbortSignal,
): Promise<ProfileTable> {
  const { modelName, periodMicros, otherPeriodMicros, mechanism, like = {} } = options;
  if (otherPeriodMicros !== undefined) checkPeriodMicros(otherPeriodMicros);
  const note = (text: string): void => onProgress({ type: 'note', text });
  const limit = new TimeLimit(options.maxTimeMs);
  if (!isZooName(reference)) await locateModel(reference); // what is not there is told alone
  onProgress({ type: 'step', text: `Looking at ${reference}` });

  const model = await resolveModel(reference, {
    ...(modelName === undefined ? {} : { name: modelName }),
    batching: options.batching ?? 'proven',
    like,
  });
  const { manifest } = model;
  const measured = measuredShapes(manifest, generateInputs(manifest, { batch: 1 }));

  for (const caveat of guessCaveats({ shapes: measured })) note(caveat);

  const wanted = gridOf(manifest, await availableCpuMillicores(), options);
  if (!canBatch(manifest)) note(`Model ${manifest.name} cannot batch: ${whyUnbatched(manifest)}.`);
  const quotas = await openSweepQuotas({
    ...(periodMicros === undefined ? {} : { periodMicros }),
    ...(mechanism === undefined ? {} : { mechanism }),
  });
  const host = await readHost();
  const { provider } = options;
  const engine = engineFor(manifest.format);
  if (provider !== undefined) await checkProviderName(engine, provider);
  const gpu = await openSweepGpu(
    wanted.gpuPercents,
    { engine, provider, isRequired: asksForGpu(options) },
    note,
  );
  if (gpu === undefined && host.gpus.length > 0 && options.gpuPercents === undefined) {
    note(`A GPU is here (${host.gpus[0]!.model}); --gpu 0,50,100 measures shares of it as well.`);
  }
  try {
    const exact =
      gpu === undefined ? wanted : { ...wanted, gpuPercents: wanted.gpuPercents.map(exactBy(gpu)) };
    const accelerator = gpu && (await acceleratorOf({ model, grid: exact, gpu }, options, note, signal));
    const grid = accelerator === undefined ? { ...wanted, gpuPercents: [0] } : exact;
    return await measureTable(
      { model, measured, grid, host, quotas, gpu, accelerator, limit },
      options,
      onProgress,
      signal,
    );
  } finally {
    await gpu?.close();
  }
}

async function checkProviderName(engine: Engine, name: ProviderName): Promise<void> {
  const names = await engine.providerNames();
  if (names.includes(name)) return;
  throw new InflessError('INVALID_INPUT', `${engine.version} has no provider "${name}" here`, {
    remedy: `Choose one of ${names.join(', ')}.`,
  });
}

/** Undefined where the GPU cannot be used, and something is left to measure without. */
async function acceleratorOf(
  { model, grid, gpu }: { readonly model: ModelFile; readonly grid: Grid; readonly gpu: SweepGpu },
  options: ProfileOptions,
  note: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<Accelerator | undefined> {
  const { cpuFallback: fallback = 'little' } = options;
  const { silenceMs } = settingsOf(options);
  try {
    return await checkAccelerator({ model, grid, gpu, provider: gpu.provider, fallback, silenceMs }, signal);
  } catch (error) {
    const isOptional = !asksForGpu(options) && grid.gpuPercents.includes(0);
    if (!(error instanceof InflessError) || error.code !== 'ACCELERATOR_UNAVAILABLE' || !isOptional)
      throw error;
    note(`Shares of the GPU are left out: ${error.sentence}`);
    return undefined;
  }
}

function exactBy(gpu: SweepGpu): (asked: number) => number {
  return (asked) => (asked === 0 ? 0 : gpu.exactPercent(asked));
}

/** What trials of threads may take of the time there is. */
const SHARE_OF_TRIALS = 0.3;

/** What is measured, and with what. */
interface Setup {
  readonly model: ModelFile;
  readonly measured: readonly MeasuredShape[];
  readonly grid: Grid;
  readonly host: Host;
  readonly quotas: Quotas;
  readonly gpu: SweepGpu | undefined;
  readonly limit: TimeLimit;
  /** Undefined where no share of the GPU is measured. */
  readonly accelerator: Accelerator | undefined;
}

async function measureTable(
  { model, measured, grid, host, quotas, gpu, accelerator, limit }: Setup,
  options: ProfileOptions,
  onProgress: ProfileListener,
  signal: AbortSignal | undefined,
): Promise<ProfileTable> {
  const { manifest } = model;
  const { batching } = manifest;
  const { like: { sample } = {}, resume = false, slo } = options;
  const note = (text: string): void => onProgress({ type: 'note', text });
  const settings = settingsOf(options);
  const conditions = {
    tool: `infless-profile ${packageVersion}`,
    engine: engineFor(manifest.format).version,
    servingPath: SERVING_PATH,
    quota: {
      ...(await describeQuotas(quotas, grid.cpuMillicores, note)),
      ...(gpu === undefined || accelerator === undefined ? {} : { gpuSharing: gpu.sharing }),
    },
    confidence: { level: settings.level, relativeError: settings.relativeError },
  };
  const journal = await Journal.open(
    options.journalFile ?? `${cacheFileStem({ model: manifest, shapes: [...measured] })}.journal`,
    {
      ...conditions,
      digest: manifest.digest,
      host: host.fingerprint,
      cellTimeMs: settings.cellTimeMs,
      shapes: Object.fromEntries(measured.map(({ input, row }) => [input, row])),
      ...(sample === undefined ? {} : { sample: sample.digest }),
      ...(accelerator === undefined ? {} : { provider: accelerator.provider }),
    },
    resume !== false,
  );
  tellFinding(journal, resume, note);

  try {
    const points = await servingPoints({ model, grid, limit }, settings, note, signal);
    const runner = new CellRunner({ model, settings, quotas, gpu }, signal);
    const configs = cellsOf(grid, manifest.digest);
    let threading: readonly ThreadChoice[] = [];
    const strategy = strategyOf(options, {
      first: configs[0]!,
      gridCells: configs.length,
      level: settings.level,
      threadingOf: (config, measured) => expectedThreading(config, threading, measured),
    });
    threading = await chooseThreads(
      { manifest, grid, journal, runner: runner.within(limit.part(SHARE_OF_TRIALS)) },
      {
        note,
        step: (text) => onProgress({ type: 'step', text }),
        measured: (won) => {
          const done = journal.cells.length;
          const total = Math.max(done, strategy.mostCells);
          const leftMs = remainingMs([], total - done, settings.cellTimeMs);
          onProgress({ type: 'cell-measured', ...won, done, total, remainingMs: leftMs });
        },
      },
    );
    const { cells, open } = await sweep(
      {
        manifest,
        configs,
        strategy,
        threadingOf: (config) => chosenThreading(config, threading),
        runner,
        journal,
        cellTimeMs: settings.cellTimeMs,
        relativeError: settings.relativeError,
        limit,
        ...(slo === undefined ? {} : { isPointless: (config, known) => missesSlo(config, known, slo) }),
      },
      onProgress,
    );
    const createdAt = new Date().toISOString();
    const table: ProfileTable = {
      schema: PROFILE_SCHEMA,
      createdAt,
      model: manifest,
      host,
      ...conditions,
      shapes: [...measured],
      ...(sample === undefined ? {} : { sampleDigest: `sha256:${sample.digest}` }),
      ...(batching === undefined ? {} : { batching: { state: batching.state, reason: batching.reason } }),
      ...(accelerator === undefined ? {} : { accelerator }),
      ...completeTable(cells, open, threading, conditions.confidence),
      ...(threading.length === 0 ? {} : { threading: [...threading] }),
    };
    const finished = await underOtherPeriod(
      withTails(table),
      { model, settings, gpu },
      { ...options, limit },
      onProgress,
      signal,
    );
    const served = withTails({
      ...finished,
      cells: finished.cells.map((cell) => withServing(cell, points)),
    });
    const { file, why } = await keepBetter(served, options.replace);
    if (why === undefined) onProgress({ type: 'saved', file });
    else note(`${file} is better and stays: of this table, ${why}. --replace puts this one in its place.`);
    await journal.remove();
    return served;
  } finally {
    await journal.close();
  }
}

/** A sweep as coarse as this is a look at a model: it goes without. */
const SERVING_FROM_CELL_MS = 500;
/** Of the time that the sweep may take. */
const SERVING_SHARE = 0.1;
const SERVING_MOST_MS = 20_000;
/** With less, only the largest batch is looked at, which the smaller ones take no more than. */
const SERVING_IN_FULL_MS = 60_000;
const SERVING_AT_LEAST_MS = 15_000;

/** What serving processes take of memory: measured first, while there is time. */
async function servingPoints(
  { model, grid, limit }: Pick<Setup, 'model' | 'grid' | 'limit'>,
  { cellTimeMs }: Pick<CellSettings, 'cellTimeMs'>,
  note: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<ServingPoints> {
  const { leftMs } = limit;
  const isWanted = cellTimeMs >= SERVING_FROM_CELL_MS && grid.gpuPercents.includes(0);
  if (!isWanted || leftMs < SERVING_AT_LEAST_MS) return [];
  note('The memory of serving processes is measured first.');
  const batches = leftMs < SERVING_IN_FULL_MS ? [Math.max(...grid.batches)] : grid.batches;
  const budgetMs = Math.min(SERVING_MOST_MS, leftMs * SERVING_SHARE);
  const subject = { model, cpuMillicores: Math.max(...grid.cpuMillicores), budgetMs };
  return measureServing(subject, batches, note, signal);
}

/** The cells that may be chosen where quotas have another period, measured under it as well. */
async function underOtherPeriod(
  table: ProfileTable,
  environment: Omit<CellEnvironment, 'quotas'>,
  { otherPeriodMicros, limit }: Pick<ProfileOptions, 'otherPeriodMicros'> & { readonly limit: TimeLimit },
  onProgress: ProfileListener,
  signal: AbortSignal | undefined,
): Promise<ProfileTable> {
  const { periodMicros, mechanism } = table.quota;
  if (otherPeriodMicros === undefined || otherPeriodMicros === periodMicros) return table;
  const period = formatDuration(otherPeriodMicros / 1000);
  if (periodMicros === null) {
    const text = `No CPU quota is held here, so nothing can be measured under a period of ${period}.`;
    onProgress({ type: 'note', text });
    return table;
  }
  const text = `Cells that may be chosen under a quota period of ${period} are measured under it, too.`;
  onProgress({ type: 'note', text });
  const quotas = await openSweepQuotas({ mechanism, periodMicros: otherPeriodMicros });
  const runner = new CellRunner({ ...environment, quotas }, signal);
  const { cellTimeMs } = environment.settings;
  return measureFrontier(table, { runner, periodMicros: otherPeriodMicros, cellTimeMs, limit }, onProgress);
}

function tellFinding(
  { finding, file }: Journal,
  resume: boolean | 'if-interrupted',
  note: (text: string) => void,
): void {
  switch (finding.found) {
    case 'nothing':
      if (resume === true) note(`There is nothing to resume in ${file}: starting anew.`);
      return;
    case 'resumed':
      note(`Resuming with ${finding.cells} finished cells from ${file}.`);
      return;
    case 'put-aside':
      note(
        `An interrupted sweep with ${finding.cells} finished cells was there; it is kept as ${finding.keptAs} (--resume would have gone on with it).`,
      );
  }
}

/** A table's cells in order, those that were not measured predicted, with how well that can be done. */
export function completeTable(
  measured: readonly Cell[],
  open: readonly Config[],
  threading: readonly ThreadChoice[],
  confidence: ProfileTable['confidence'],
): Pick<ProfileTable, 'cells' | 'prediction'> {
  if (open.length === 0) return { cells: [...measured] };
  const points = open.map((config) => ({ ...config, ...expectedThreading(config, threading, measured) }));
  const cells = [...measured, ...predictCells(measured, points, confidence)];
  return {
    cells: cells.sort(compareConfigs),
    prediction: { heldOut: heldOutError(measured, confidence.level) },
  };
}
