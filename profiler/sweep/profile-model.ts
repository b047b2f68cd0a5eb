import { InflessError } from '../../models/base/errors.ts';
import { packageVersion } from '../../models/base/package.ts';
import { formatDuration } from '../../models/base/units.ts';
import type { Engine } from '../../models/engines/engine.ts';
import { engineFor } from '../../models/engines/index.ts';
import type { ProviderName } from '../../models/engines/provider.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { canBatch, type ModelFile } from '../../models/manifest/manifest.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { SERVING_PATH } from '../../profiles/conditions/due.ts';
import { guessCaveats, measuredShapes } from '../../profiles/conditions/shapes.ts';
import { type Config, compareConfigs } from '../../profiles/config.ts';
import { readHost } from '../../profiles/host.ts';
import type { Host } from '../../profiles/host-schema.ts';
import { cacheFileStem, saveTable } from '../../profiles/store.ts';
import { predictCells } from '../../profiles/surface/predict-cells.ts';
import {
  type Accelerator,
  type Cell,
  type MeasuredShape,
  PROFILE_SCHEMA,
  type ProfileTable,
  type ThreadChoice,
} from '../../profiles/table.ts';
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
import type { ProfileListener } from './progress.ts';
import { heldOutError } from './sampling/held-out.ts';
import { sweep } from './sweep.ts';
import {
  asksForGpu,
  gridOf,
  type ProfileOptions,
  settingsOf,
  strategyOf,
  WHY_UNBATCHED,
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
  const { modelName, periodMicros, otherPeriodMicros, mechanism, shapes = {} } = options;
  if (otherPeriodMicros !== undefined) checkPeriodMicros(otherPeriodMicros);
  const note = (text: string): void => onProgress({ type: 'note', text });

  const model = await resolveModel(reference, modelName === undefined ? {} : { name: modelName });
  const { manifest } = model;
  // a shape that does not fit is told before anything is measured
  const row = generateInputs(manifest, { batch: 1, shapes });
  const measured = measuredShapes(manifest, row, new Set(Object.keys(shapes)));

  for (const caveat of guessCaveats({ shapes: measured })) note(caveat);

  const wanted = gridOf(manifest, await availableCpuMillicores(), options);
  if (!canBatch(manifest)) note(`Model ${manifest.name} cannot batch: ${WHY_UNBATCHED}.`);
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
      { model, measured, grid, host, quotas, gpu, accelerator },
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
  const { shapes = {}, cpuFallback: fallback = 'little' } = options;
  const { silenceMs } = settingsOf(options);
  try {
    return await checkAccelerator(
      { model, grid, gpu, shapes, provider: gpu.provider, fallback, silenceMs },
      signal,
    );
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

/** What is measured, and with what. */
interface Setup {
  readonly model: ModelFile;
  readonly measured: readonly MeasuredShape[];
  readonly grid: Grid;
  readonly host: Host;
  readonly quotas: Quotas;
  readonly gpu: SweepGpu | undefined;
  /** Undefined where no share of the GPU is measured. */
  readonly accelerator: Accelerator | undefined;
}

async function measureTable(
  { model, measured, grid, host, quotas, gpu, accelerator }: Setup,
  options: ProfileOptions,
  onProgress: ProfileListener,
  signal: AbortSignal | undefined,
): Promise<ProfileTable> {
  const { manifest } = model;
  const { shapes = {}, resume = false } = options;
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
      ...(accelerator === undefined ? {} : { provider: accelerator.provider }),
    },
    resume !== false,
  );
  tellFinding(journal, resume, note);

  try {
    const runner = new CellRunner({ model, shapes, settings, quotas, gpu }, signal);
    const threading = await chooseThreads({ manifest, grid, journal, runner }, note);
    const configs = cellsOf(grid, manifest.digest);
    const { cells, open } = await sweep(
      {
        manifest,
        configs,
        strategy: strategyOf(options, {
          first: configs[0]!,
          gridCells: configs.length,
          level: settings.level,
          threadingOf: (config, measured) => expectedThreading(config, threading, measured),
        }),
        threadingOf: (config) => chosenThreading(config, threading),
        runner,
        journal,
        cellTimeMs: settings.cellTimeMs,
        relativeError: settings.relativeError,
        maxTimeMs: options.maxTimeMs ?? Number.POSITIVE_INFINITY,
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
      ...(accelerator === undefined ? {} : { accelerator }),
      ...completeTable(cells, open, threading, conditions.confidence),
      ...(threading.length === 0 ? {} : { threading: [...threading] }),
    };
    const finished = await underOtherPeriod(
      table,
      { model, shapes, settings, gpu },
      options,
      onProgress,
      signal,
    );
    onProgress({ type: 'saved', file: await saveTable(finished) });
    await journal.remove();
    return finished;
  } finally {
    await journal.close();
  }
}

/** The cells that may be chosen where quotas have another period, measured under it as well. */
async function underOtherPeriod(
  table: ProfileTable,
  environment: Omit<CellEnvironment, 'quotas'>,
  { otherPeriodMicros, maxTimeMs = Number.POSITIVE_INFINITY }: ProfileOptions,
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
  return measureFrontier(
    table,
    { runner, periodMicros: otherPeriodMicros, cellTimeMs, maxTimeMs },
    onProgress,
  );
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
