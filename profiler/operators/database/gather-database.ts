import { InflessError } from '../../../models/base/errors.ts';
import { packageVersion } from '../../../models/base/package.ts';
import type { RequestLike } from '../../../models/manifest/example.ts';
import { likened } from '../../../models/manifest/inputs.ts';
import type { ModelFile, ModelManifest } from '../../../models/manifest/manifest.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import type { Config } from '../../../profiles/config.ts';
import { readHost } from '../../../profiles/host.ts';
import { availableCpuMillicores } from '../../quota/cpu-limit.ts';
import { describeQuotas, openSweepQuotas } from '../../quota/measurement-quotas.ts';
import { requireTracing } from '../trace/trace-model.ts';
import { calibrationModels } from './calibration.ts';
import {
  databaseFile,
  OPERATORS_SCHEMA,
  type OperatorDatabase,
  type OperatorModel,
  readDatabase,
  saveDatabase,
  withModels,
} from './database.ts';
import { gatheredTwice, gatherModel } from './gather.ts';

/** Sizes by the names of inputs. */
type Shapes = NonNullable<RequestLike['shapes']>;

export interface GatherDatabaseOptions {
  readonly batches: readonly number[];
  /** Time for the runs of a batch without a trace, and again for those with one. */
  readonly budgetMs: number;
  /** Whether networks of usual layers are gathered as well. */
  readonly calibration: boolean;
  /**
   * Times that all models are gathered, one after the other: a host that is slow for a minute is not slow in
   * each.
   */
  readonly rounds: number;
  /** Sizes of free dimensions, of whichever model has an input of that name. */
  readonly shapes?: Shapes | undefined;
}

/**
 * More threads than this are few models' to use; what more cores do is judged from the nearest number seen.
 */
const CORES = [1, 2, 4, 8, 16];

/**
 * Gathers what the operators of models take on this host, and adds it to the database in the cache after each
 * model: what is there when it is interrupted stays.
 *
 * @returns the database's file, and the engine that the operators are of
 * @throws InflessError MODEL_UNSUPPORTED for a model whose engine does not tell operators; INVALID_INPUT for
 * models of several engines
 */
export async function gatherDatabase(
  references: readonly string[],
  { batches, budgetMs, calibration, rounds, shapes = {} }: GatherDatabaseOptions,
  onRun: (model: string, config: Config) => void,
  signal?: AbortSignal,
): Promise<{ readonly file: string; readonly engine: string }> {
  const host = await readHost();
  const all = [...(calibration ? await calibrationModels() : []), ...references];
  const models = await Promise.all(all.map((reference) => resolveModel(reference))).then((found) =>
    found.map((model) => ({
      ...model,
      manifest: likened(model.manifest, likenessOf(model.manifest, shapes)),
    })),
  );
  const engine = engineOfAll(models);
  const file = databaseFile(host, engine);
  const quotas = await openSweepQuotas({});
  const available = await availableCpuMillicores();
  const cores = CORES.filter((count) => count * 1000 <= Math.max(1000, available));
  const grid = { batches, cpuMillicores: cores.map((count) => count * 1000), gpuPercents: [0] };
  const quota = await describeQuotas(quotas, grid.cpuMillicores, () => undefined);
  const seen = new Map<string, OperatorModel>();
  for (const model of Array.from({ length: rounds }, () => models).flat()) {
    const { name, digest } = model.manifest;
    const now = await gatherModel(
      model,
      { batches, cores, budgetMs, quotas },
      (config) => onRun(name, config),
      signal,
    );
    const before = seen.get(digest);
    const gathered = before === undefined ? now : gatheredTwice(before, now);
    seen.set(digest, gathered);
    const database: OperatorDatabase = {
      schema: OPERATORS_SCHEMA,
      createdAt: new Date().toISOString(),
      tool: `infless-profile ${packageVersion}`,
      host,
      engine,
      quota,
      models: withModels((await readDatabase(file))?.models ?? [], [gathered]),
    };
    await saveDatabase(database, file);
  }
  return { file, engine };
}

/** A database is of one engine: another takes other times for what it may call by the same name. */
function engineOfAll(models: readonly ModelFile[]): string {
  const versions = new Set(models.map(({ manifest }) => requireTracing(manifest).version));
  const [engine] = versions;
  if (versions.size === 1) return engine!;
  throw new InflessError(
    'INVALID_INPUT',
    `These models run on several engines: ${[...versions].join(', ')}`,
    {
      remedy:
        'Gather the operators of one after the other, of others than ONNX Runtime with --no-calibration.',
    },
  );
}

/** Sizes are given for the inputs of several models: those of this one. */
export function likenessOf({ inputs }: Pick<ModelManifest, 'inputs'>, shapes: Shapes): RequestLike {
  const names = new Set(inputs.map(({ name }) => name));
  return { shapes: Object.fromEntries(Object.entries(shapes).filter(([name]) => names.has(name))) };
}
