import { cpus } from 'node:os';
import type { Threading } from '../../models/engines/engine.ts';
import type { ModelFile } from '../../models/manifest/manifest.ts';
import type { Config } from '../../profiles/config.ts';
import type { Cell } from '../../profiles/table.ts';
import type { GpuUse } from '../gpu/gpu-use.ts';
import type { SweepGpu } from '../gpu/sweep-gpu.ts';
import type { Quota, Throttling } from '../quota/quota.ts';
import { CellProcess } from './cell-process.ts';
import {
  codecSchema,
  type Measured,
  measuredSchema,
  openedSchema,
  receiveSchema,
  warmedSchema,
} from './cell-protocol.ts';
import { type HostTimes, hostTimes, loadBetween } from './host-load.ts';
import { transferMs } from './request/transfer.ts';
import type { Precision } from './stopping.ts';
import type { MeasuredCell } from './verdicts.ts';

/** The share of a cell's time that warming up may take. */
const WARM_UP_SHARE = 1 / 3;
/** Periods of the quota in one window of the warm-up. */
const PERIODS_PER_WINDOW = 5;
const CODEC_BUDGET_MS = 100;

/** How each cell is measured. */
export interface CellSettings extends Precision {
  /** Warming up and sampling together; exceeded only to finish the samples that a result needs. */
  readonly cellTimeMs: number;
  /** The longest a process may stay silent before it counts as hanging. */
  readonly silenceMs: number;
}

export interface CellRequest {
  readonly model: ModelFile;
  readonly config: Config;
  readonly settings: CellSettings;
  /** Default: the engine's own rule. */
  readonly threading?: Threading | undefined;
  /** Needed where the config has a share of it. */
  readonly gpu?: SweepGpu | undefined;
}

/**
 * Measures one config in a process of its own under its quota, from before the model is loaded.
 *
 * @throws InflessError INFERENCE_FAILED with the reason when the config cannot run here; the signal's reason
 *   when it was aborted. Either way the process is gone, and the quota is the caller's to remove.
 */
export async function measureCell(
  request: CellRequest,
  quota: Quota,
  signal: AbortSignal | undefined,
): Promise<MeasuredCell> {
  signal?.throwIfAborted();
  const { config, settings } = request;
  const gpu = config.gpuPercent > 0 ? request.gpu : undefined;
  const use = await gpu?.watch();
  const worker = new CellProcess(settings.silenceMs, gpu?.environmentFor(config.gpuPercent));
  const abort = (): void => void worker.kill();
  signal?.addEventListener('abort', abort);
  try {
    return await runProtocol(worker, request, quota, use);
  } catch (error) {
    signal?.throwIfAborted(); // the process died because we ended it
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    await worker.kill();
  }
}

async function runProtocol(
  worker: CellProcess,
  request: CellRequest,
  quota: Quota,
  use: GpuUse | undefined,
): Promise<MeasuredCell> {
  const { model, settings, threading } = request;
  const { batch, cpuMillicores, gpuPercent } = request.config;
  // a cell that is measured again is a config, and nothing of what it was
  const config = { batch, cpuMillicores, gpuPercent };
  await startUnder(quota, worker);
  const periodMs = (quota.periodMicros ?? 0) / 1000;
  const opened = await worker.ask(
    { ask: 'open', model, config, threading, provider: request.gpu?.provider },
    openedSchema,
  );
  const begin = performance.now();
  const warmed = await worker.ask(
    {
      ask: 'warm-up',
      windowMs: PERIODS_PER_WINDOW * periodMs,
      budgetMs: settings.cellTimeMs * WARM_UP_SHARE,
    },
    warmedSchema,
  );
  const warmUpMs = Math.min(performance.now() - begin, settings.cellTimeMs * WARM_UP_SHARE);
  const { level, relativeError } = settings;
  const budgetMs = settings.cellTimeMs - warmUpMs;
  const before = await quota.stat();
  const hostBefore = await hostTimes();
  use?.start();
  const { totalCpuMs, ...measured } = await worker.ask(
    { ask: 'measure', rule: { level, relativeError, budgetMs, periodMs } },
    measuredSchema,
  );
  const measuringMs = performance.now() - begin;
  const after = await quota.stat();
  const hostAfter = await hostTimes();
  const gpu = await use?.stop(worker.pid);
  const codecMs = await worker.ask({ ask: 'codec', budgetMs: CODEC_BUDGET_MS }, codecSchema);
  const receiver = await worker.ask({ ask: 'receive' }, receiveSchema);
  return {
    warmth: warmed.warmth,
    measuringMs,
    load: loadDuring(totalCpuMs, hostBefore, hostAfter),
    cell: {
      ...config,
      ...opened,
      ...measured,
      warmupRuns: warmed.runs,
      throughputPerSecond: throughputOf(measured, config),
      codecMs,
      transferMs: await transferMs(receiver, { budgetMs: CODEC_BUDGET_MS, silenceMs: settings.silenceMs }),
      throttling: difference(before, after),
      ...(gpu === undefined ? {} : { gpu }),
    },
  };
}

/** Attaches at once, so that Node.js itself starts under the quota, as it does in production. */
async function startUnder(quota: Quota, worker: CellProcess): Promise<void> {
  const ready = worker.ready();
  const attached = worker.pid === undefined ? undefined : quota.attach(worker.pid);
  attached?.catch(() => undefined); // a process that died first is the better story, and `ready` tells it
  await ready;
  await attached;
}

/** Rows a second of full batches back to back. */
function throughputOf({ latencyMs }: Pick<Measured, 'latencyMs'>, { batch }: Config): number {
  return (batch * 1000) / latencyMs.mean;
}

function difference(before: Throttling | null, after: Throttling | null): Cell['throttling'] {
  if (before === null || after === null) return null;
  return {
    periods: after.periods - before.periods,
    throttledPeriods: after.throttledPeriods - before.throttledPeriods,
    throttledMs: after.throttledMs - before.throttledMs,
  };
}

function loadDuring(
  ownMs: number,
  before: HostTimes | undefined,
  after: HostTimes | undefined,
): MeasuredCell['load'] {
  if (before === undefined || after === undefined) return undefined;
  return loadBetween(before, after, ownMs, cpus().length);
}
