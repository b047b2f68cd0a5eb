import { InflessError } from '../../models/base/errors.ts';
import { engineFor } from '../../models/engines/index.ts';
import type { ProviderName } from '../../models/engines/provider.ts';
import type { CpuNodes } from '../../models/engines/tracing.ts';
import { canBatch, type ModelFile } from '../../models/manifest/manifest.ts';
import type { Accelerator } from '../../profiles/table.ts';
import { CellProcess } from '../cell/cell-process.ts';
import { examinedSchema } from '../cell/cell-protocol.ts';
import type { SweepGpu } from '../gpu/sweep-gpu.ts';
import type { Grid } from './grid.ts';

/** How much of a run's time operators may take that a provider leaves to the CPU. */
export type CpuFallback = 'none' | 'little' | 'any';

/** Runtimes put the arithmetic of shapes and non-maximum suppression there on purpose. */
const LITTLE = 0.02;
const ALLOWED: Readonly<Record<CpuFallback, number>> = {
  none: 0,
  little: LITTLE,
  any: Number.POSITIVE_INFINITY,
};

export interface AcceleratorCheck {
  readonly model: ModelFile;
  readonly grid: Grid;
  readonly gpu: SweepGpu;
  readonly provider: ProviderName;
  readonly fallback: CpuFallback;
  readonly silenceMs: number;
}

/**
 * Runs the model on the provider, with the smallest and the largest batch, before anything is measured on it.
 *
 * @throws InflessError ACCELERATOR_UNAVAILABLE where the provider cannot be used here; MODEL_UNSUPPORTED
 * where too much of a run is left to the CPU, or rows that run together get other answers than alone;
 * INFERENCE_FAILED where it does not run at all
 */
export async function checkAccelerator(
  check: AcceleratorCheck,
  signal: AbortSignal | undefined,
): Promise<Accelerator> {
  const { model, grid, gpu, provider } = check;
  const gpuPercent = Math.max(...grid.gpuPercents);
  const environment = gpu.environmentFor(gpuPercent);
  const [state] = await engineFor(model.manifest.format).providers({ only: [provider], environment });
  if (state?.unusable !== undefined) {
    const { what, remedy } = state.unusable;
    throw new InflessError('ACCELERATOR_UNAVAILABLE', what, { remedy });
  }
  signal?.throwIfAborted();
  const worker = new CellProcess(check.silenceMs, environment);
  const abort = (): void => void worker.kill();
  signal?.addEventListener('abort', abort);
  try {
    await worker.ready();
    const batches = [...new Set([Math.min(...grid.batches), Math.max(...grid.batches)])];
    const config = { batch: batches[0]!, cpuMillicores: Math.max(...grid.cpuMillicores), gpuPercent };
    const { cpuNodes, batchAxesDiffer } = await worker.ask(
      { ask: 'examine', model, config, provider, batches },
      examinedSchema,
    );
    if (cpuNodes !== null) refuseFallback(check, cpuNodes);
    if (canBatch(model.manifest)) refuseOtherRows(check, batchAxesDiffer);
    return { provider, gpu: gpu.model, driverVersion: gpu.driverVersion, cpuNodes };
  } catch (error) {
    signal?.throwIfAborted(); // the process died because we ended it
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    await worker.kill();
  }
}

function refuseFallback(
  { model, provider, fallback }: AcceleratorCheck,
  { share, operators }: CpuNodes,
): void {
  if (share <= ALLOWED[fallback]) return;
  const names = operators.map(({ operator, share: own }) => `${operator} ${percent(own)}`).join(', ');
  const allowed = fallback === 'none' ? 'none' : percent(LITTLE);
  throw new InflessError(
    'MODEL_UNSUPPORTED',
    `The ${provider} provider leaves ${percent(share)} of a run of ${model.manifest.name} to the CPU, where ${allowed} is allowed: ${names}`,
    {
      remedy: `Allow it with --allow-fallback${fallback === 'none' ? ' instead of --strict' : ''}, or export the model without these operators.`,
    },
  );
}

function refuseOtherRows({ model, provider, grid }: AcceleratorCheck, tensors: readonly string[]): void {
  if (tensors.length === 0 || Math.max(...grid.batches) === 1) return;
  throw new InflessError(
    'MODEL_UNSUPPORTED',
    `On the ${provider} provider, rows of ${model.manifest.name} that run together get other answers than alone (${tensors.join(', ')})`,
    { remedy: 'Measure it with --batches 1, or on another provider.' },
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
