import { generateInputs } from '../../../models/manifest/inputs.ts';
import { canBatch, type ModelFile } from '../../../models/manifest/manifest.ts';
import { elementCount, type NamedTensors } from '../../../models/manifest/tensor.ts';
import type { Config } from '../../../profiles/config.ts';
import type { Quotas } from '../../quota/quota.ts';
import { traceModel } from '../trace/trace-model.ts';
import { type OperatorModel, type OperatorRun, withRound } from './database.ts';

export interface GatherOptions {
  readonly batches: readonly number[];
  /** Whole cores: of a fraction of one the quota's stalls would be seen, in whatever operator they fall. */
  readonly cores: readonly number[];
  /** Time for the runs of a batch without a trace, and again for those with one. */
  readonly budgetMs: number;
  readonly quotas: Quotas;
}

/**
 * Runs a model under every batch and number of cores, and keeps what each of its operators took.
 *
 * @param onRun hears of each run before it begins
 */
export async function gatherModel(
  model: ModelFile,
  options: GatherOptions,
  onRun: (config: Config) => void = () => undefined,
  signal?: AbortSignal,
): Promise<OperatorModel> {
  const { name, digest } = model.manifest;
  const batches = canBatch(model.manifest) ? options.batches : [1];
  const runs: OperatorRun[] = [];
  for (const cores of options.cores) {
    for (const batch of batches) {
      const config = { batch, cpuMillicores: cores * 1000, gpuPercent: 0 };
      onRun(config);
      runs.push(await gatherRun(model, config, options, signal));
    }
  }
  return { name, digest, runs };
}

async function gatherRun(
  model: ModelFile,
  config: Config,
  { budgetMs, quotas }: GatherOptions,
  signal: AbortSignal | undefined,
): Promise<OperatorRun> {
  const { operators, samples, observation } = await traceModel({ model, config, budgetMs, quotas }, signal);
  const { batch, cpuMillicores } = config;
  const { threads, wallMs, usualMs, cpuMs } = observation;
  const feeds = generateInputs(model.manifest, { batch });
  return {
    batch,
    cpuMillicores,
    threads,
    wallMs,
    usualMs,
    cpuMs,
    samples,
    rounds: 1,
    operators: [...operators],
    tensorElements: elementsIn(feeds),
  };
}

/** The same model in two rounds, run by run. */
export function gatheredTwice(before: OperatorModel, now: OperatorModel): OperatorModel {
  const runs = now.runs.map((run) => {
    const other = before.runs.find(
      ({ batch, cpuMillicores }) => batch === run.batch && cpuMillicores === run.cpuMillicores,
    );
    return other === undefined ? run : withRound(other, run);
  });
  return { ...now, runs };
}

/** How many numbers there are in all of the tensors. */
export function elementsIn(tensors: NamedTensors): number {
  return Object.values(tensors).reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
