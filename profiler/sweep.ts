import { InflessError } from '../models/base/errors.ts';
import type { ModelFile } from '../models/manifest.ts';
import { type Config, configKey, formatConfig } from '../profiles/config.ts';
import type { Cell } from '../profiles/table.ts';
import type { InputShapes } from './cell-protocol.ts';
import { remainingMs } from './eta.ts';
import type { Journal } from './journal.ts';
import { type CellResult, type CellSettings, measureCell } from './measure-cell.ts';
import type { ProfileListener, SweepState } from './progress.ts';
import type { Quotas } from './quota/quota.ts';

export interface SweepPlan {
  readonly model: ModelFile;
  /** In the order in which they are measured; the first is the easiest. */
  readonly configs: readonly Config[];
  readonly shapes: InputShapes;
  readonly settings: CellSettings;
  readonly quotas: Quotas;
  readonly journal: Journal;
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

  for (const [index, config] of todo.entries()) {
    listener({ type: 'cell-started', config, ...state() });
    const begin = performance.now();
    const result = await tryCell(plan, config, index, signal);
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
  return plan.configs.flatMap((config) => cells.get(configKey(config)) ?? []);
}

async function tryCell(
  plan: SweepPlan,
  config: Config,
  index: number,
  signal: AbortSignal | undefined,
): Promise<CellResult | { readonly failure: InflessError }> {
  signal?.throwIfAborted();
  const quota = await plan.quotas.create(quotaName(process.pid, index), config.cpuMillicores);
  try {
    return await measureCell({ ...plan, config }, quota, signal);
  } catch (error) {
    if (error instanceof InflessError && error.code === 'INFERENCE_FAILED') return { failure: error };
    throw error;
  } finally {
    await quota.remove();
  }
}

function cannotRun({ manifest }: ModelFile, config: Config, cause: InflessError): InflessError {
  return new InflessError(
    'INFERENCE_FAILED',
    `Model ${manifest.name} does not even run as ${formatConfig(config)}: ${cause.message}`,
    { cause, ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }) },
  );
}

function quotaName(pid: number, index: number): string {
  return `profile-${pid}-${index}`;
}

/** Removes what sweeps that were killed left behind, recognised by the process that is no more. */
export async function removeStaleQuotas(quotas: Quotas): Promise<void> {
  for (const name of await quotas.list()) {
    const pid = /^profile-(\d+)-\d+$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const quota = await quotas.adopt(name);
    await quota?.remove().catch(() => undefined); // its last process is still finishing a batch: the next sweep's turn
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
