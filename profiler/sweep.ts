import { InflessError } from '../models/base/errors.ts';
import type { ModelFile } from '../models/manifest.ts';
import { type Config, configKey, formatConfig } from '../profiles/config.ts';
import type { Cell } from '../profiles/table.ts';
import type { InputShapes } from './cell-protocol.ts';
import { remainingMs } from './eta.ts';
import type { SweepGpu } from './gpu/sweep-gpu.ts';
import type { Journal } from './journal.ts';
import { type CellResult, type CellSettings, measureCell } from './measure-cell.ts';
import type { ProfileListener, SweepState } from './progress.ts';
import type { Quotas } from './quota/quota.ts';
import { createSweepQuota } from './sweep-quotas.ts';

export interface SweepPlan {
  readonly model: ModelFile;
  /** In the order in which they are measured; the first is the easiest. */
  readonly configs: readonly Config[];
  readonly shapes: InputShapes;
  readonly settings: CellSettings;
  readonly quotas: Quotas;
  readonly journal: Journal;
  /** Needed where a config has a share of it. */
  readonly gpu?: SweepGpu | undefined;
}

/**
 * Measures every config that the journal does not hold yet, one after the other: two at a time would measure
 * each other. A config that cannot run is told to the listener and left out.
 *
 * @throws InflessError INFERENCE_FAILED when the easiest config cannot run: then none could serve, since every
 *   instance must also answer a single row. The signal's reason when it was aborted.
 */
export async function sweep(
  plan: SweepPlan,
  listener: ProfileListener,
  signal: AbortSignal | undefined,
): Promise<readonly Cell[]> {
  const cells = new Map(plan.journal.cells.map((cell) => [configKey(cell), cell]));
  const todo = plan.configs.filter((config) => !cells.has(configKey(config)));
  const finishedMs: number[] = [];
  const state = (): SweepState => ({
    done: plan.configs.length - todo.length + finishedMs.length,
    total: plan.configs.length,
    remainingMs: remainingMs(finishedMs, todo.length - finishedMs.length, plan.settings.cellTimeMs),
  });

  for (const config of todo) {
    listener({ type: 'cell-started', config, ...state() });
    const begin = performance.now();
    const result = await tryCell(plan, config, signal);
    finishedMs.push(performance.now() - begin);
    if ('failure' in result) {
      if (config === plan.configs[0]) throw cannotRun(plan.model, config, result.failure);
      listener({ type: 'cell-failed', config, reason: result.failure.sentence, ...state() });
      continue;
    }
    await plan.journal.append(result.cell);
    cells.set(configKey(config), result.cell);
    listener({ type: 'cell-measured', ...result, ...state() });
  }
  return plan.configs.flatMap((config) => cells.get(configKey(config)) ?? []).sort(byQuotaAndBatch);
}

async function tryCell(
  plan: SweepPlan,
  config: Config,
  signal: AbortSignal | undefined,
): Promise<CellResult | { readonly failure: InflessError }> {
  signal?.throwIfAborted();
  const quota = await createSweepQuota(plan.quotas, config.cpuMillicores);
  try {
    return await measureCell({ ...plan, config }, quota, signal);
  } catch (error) {
    if (error instanceof InflessError && error.code === 'INFERENCE_FAILED') return { failure: error };
    throw error;
  } finally {
    await quota.remove();
  }
}

/** The order of a table has nothing to do with that of the sweep. */
function byQuotaAndBatch(a: Cell, b: Cell): number {
  return a.gpuPercent - b.gpuPercent || a.cpuMillicores - b.cpuMillicores || a.batch - b.batch;
}

function cannotRun({ manifest }: ModelFile, config: Config, cause: InflessError): InflessError {
  return new InflessError(
    'INFERENCE_FAILED',
    `Model ${manifest.name} does not even run as ${formatConfig(config)}: ${cause.message}`,
    { cause, ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }) },
  );
}
