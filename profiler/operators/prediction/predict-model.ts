import { packageVersion } from '../../../models/base/package.ts';
import { threadRule } from '../../../models/engines/engine.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { canBatch, type ModelFile } from '../../../models/manifest/manifest.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { SERVING_PATH } from '../../../profiles/conditions/due.ts';
import { guessCaveats, measuredShapes } from '../../../profiles/conditions/shapes.ts';
import { type Config, formatConfig } from '../../../profiles/config.ts';
import { readHost } from '../../../profiles/host.ts';
import { type Cell, PROFILE_SCHEMA, type ProfileTable } from '../../../profiles/table.ts';
import { measureCell } from '../../cell/measure-cell.ts';
import { availableCpuMillicores } from '../../quota/cpu-limit.ts';
import { createSweepQuota, describeQuotas, openSweepQuotas } from '../../quota/measurement-quotas.ts';
import type { Quotas } from '../../quota/quota.ts';
import { gridOf, type ProfileOptions, settingsOf } from '../../sweep/sweep-options.ts';
import { requireDatabase } from '../database/database.ts';
import { elementsIn } from '../database/gather.ts';
import { requireTracing, type TracedModel, traceModel } from '../trace/trace-model.ts';
import { Correction, tellingPoints } from './correction.ts';
import { modelShape } from './model-shape.ts';
import { type ModelEstimate, ModelTimes } from './model-times.ts';
import { predictedCell } from './predicted-cell.ts';

export interface PredictOptions extends ProfileOptions {
  /** Measured to correct the predictions; they take their places in the table. Default 0. */
  readonly measuredCells?: number | undefined;
}

/** From here on it is said that operators were judged by their work alone. */
const NOTABLE_SHARE = 0.05;

/**
 * A table of a model that was never measured, from what its operators took in others: those that
 * `infless-profile operators` gathered on a host like this. The model itself runs a few times with one row
 * and with two, to find out which operators it has; how long that takes is not looked at.
 *
 * @throws InflessError PROFILE_NOT_FOUND where nothing was gathered; MODEL_UNSUPPORTED for a model whose
 * engine does not tell operators, or that computes something else with each input
 */
export async function predictModel(
  reference: string,
  options: PredictOptions = {},
  note: (text: string) => void = () => undefined,
  signal?: AbortSignal,
): Promise<ProfileTable> {
  const { modelName, periodMicros, like = {}, measuredCells = 0 } = options;
  const model = await resolveModel(reference, {
    ...(modelName === undefined ? {} : { name: modelName }),
    batching: options.batching ?? 'proven',
    like,
  });
  const { manifest } = model;
  const row = generateInputs(manifest, { batch: 1 });
  const rows = measuredShapes(manifest, row);
  for (const caveat of guessCaveats({ shapes: rows })) note(caveat);
  const host = await readHost();
  const engine = requireTracing(manifest).version;
  const database = await requireDatabase(host, engine);
  const grid = { ...gridOf(manifest, await availableCpuMillicores(), options), gpuPercents: [0] };
  const quotas = await openSweepQuotas(periodMicros === undefined ? {} : { periodMicros });
  const settings = settingsOf(options);
  if (options.gpuPercents?.some((percent) => percent > 0))
    note('Shares of a GPU cannot be predicted: only CPU is.');
  const looks = await lookAt(model, quotas, signal);
  const shape = modelShape(manifest.name, looks.one, looks.more);
  const others = database.models.filter(({ digest }) => digest !== manifest.digest);
  const times = new ModelTimes(others.length > 0 ? others : database.models);
  const configs = grid.cpuMillicores.flatMap((cpuMillicores) =>
    grid.batches.map((batch): Config => ({ batch, cpuMillicores, gpuPercent: 0 })),
  );
  const estimates = new Map(
    configs.map((config) => [config, times.at(shape, { ...config, ...threadRule(config.cpuMillicores) })]),
  );
  const measured = new Map<Config, Cell>();
  for (const config of tellingPoints(configs, measuredCells)) {
    note(`Measuring ${formatConfig(config)} to correct the predictions.`);
    measured.set(config, await measure({ model, config, settings }, quotas, signal));
  }
  const correction = correctionBy(measured, estimates);
  tellUnknown(estimates, note);
  return {
    schema: PROFILE_SCHEMA,
    createdAt: new Date().toISOString(),
    tool: `infless-profile ${packageVersion}`,
    model: manifest,
    host,
    engine,
    servingPath: SERVING_PATH,
    shapes: rows,
    quota: await describeQuotas(quotas, grid.cpuMillicores, note),
    confidence: { level: settings.level, relativeError: settings.relativeError },
    cells: configs.map(
      (config) =>
        measured.get(config) ??
        predictedCell(config, {
          ...estimates.get(config)!,
          ...correction.at(config, estimates.get(config)!),
          measured: [...measured.values()],
          observations: looks.observations,
          confidence: settings,
        }),
    ),
    prediction: { heldOut: null },
  };
}

interface Looks {
  readonly one: ShapedLook;
  readonly more: ShapedLook | undefined;
  readonly observations: readonly (TracedModel['observation'] & { readonly batch: number })[];
}

type ShapedLook = Parameters<typeof modelShape>[1];

/** Which operators run for one row and for two, on one core. */
async function lookAt(model: ModelFile, quotas: Quotas, signal: AbortSignal | undefined): Promise<Looks> {
  const look = async (batch: number) => {
    const config = { batch, cpuMillicores: Math.min(1000, await availableCpuMillicores()), gpuPercent: 0 };
    const { operators, observation } = await traceModel({ model, config, quotas, budgetMs: 1 }, signal);
    const tensorElements = elementsIn(generateInputs(model.manifest, { batch }));
    return { shaped: { batch, operators, tensorElements }, observation: { ...observation, batch } };
  };
  const one = await look(1);
  const more = canBatch(model.manifest) ? await look(2) : undefined;
  return {
    one: one.shaped,
    more: more?.shaped,
    observations: more === undefined ? [one.observation] : [one.observation, more.observation],
  };
}

async function measure(
  request: Parameters<typeof measureCell>[0],
  quotas: Quotas,
  signal: AbortSignal | undefined,
): Promise<Cell> {
  const quota = await createSweepQuota(quotas, request.config.cpuMillicores);
  try {
    return (await measureCell(request, quota, signal)).cell;
  } finally {
    await quota.remove();
  }
}

function correctionBy(
  measured: ReadonlyMap<Config, Cell>,
  estimates: ReadonlyMap<Config, ModelEstimate>,
): Correction {
  return new Correction(
    [...measured].map(([config, cell]) => ({
      ...config,
      predicted: estimates.get(config)!,
      meanMs: cell.latencyMs.mean,
    })),
  );
}

function tellUnknown(estimates: ReadonlyMap<Config, ModelEstimate>, note: (text: string) => void): void {
  const share = Math.max(...[...estimates.values()].map(({ unknownShare }) => unknownShare));
  if (share < NOTABLE_SHARE) return;
  note(
    `Operators of kinds that were never seen take up to ${Math.round(100 * share)} % of the time, judged by what they compute and move alone: gather a model that has them with infless-profile operators.`,
  );
}
