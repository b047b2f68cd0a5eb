import { readGpus } from '../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../profiles/gpu/smi-xml.ts';
import { GpuUse, gpuReader } from './gpu-use.ts';
import { type GpuShares, openGpuShares } from './shares.ts';

/** The GPU that a sweep measures shares of. */
export interface SweepGpu {
  readonly sharing: GpuShares['sharing'];
  environmentFor: GpuShares['environmentFor'];
  /** What the GPU does, from before a cell's process starts. */
  watch(): Promise<GpuUse>;
  close(): Promise<void>;
}

/**
 * The first GPU of this machine in the shares asked for. Without one the command measures CPU quotas alone, and says so.
 *
 * @param percents of the grid, 0 among them or not
 * @returns undefined where no share is asked for or to be had
 * @throws InflessError as {@link openGpuShares}
 */
export async function openSweepGpu(
  percents: readonly number[],
  note: (text: string) => void,
): Promise<SweepGpu | undefined> {
  const shares = percents.filter((percent) => percent > 0);
  if (shares.length === 0) return undefined;
  const inventory = await readGpus();
  if ('absence' in inventory) {
    note(`There is no GPU here (${inventory.absence}): only CPU quotas are measured.`);
    return undefined;
  }
  const { gpus } = inventory.report;
  const gpu = gpus[0]!;
  if (gpus.length > 1) note(`${gpus.length} GPUs are here; the first is measured: ${gpu.model}.`);
  const opened = await openGpuShares(gpu, 0, shares);
  return {
    sharing: opened.sharing,
    environmentFor: (gpuPercent) => opened.environmentFor(gpuPercent),
    watch: () => watch(gpu),
    close: () => opened.close(),
  };
}

function watch({ uuid }: SmiGpu): Promise<GpuUse> {
  return GpuUse.before(gpuReader(uuid!));
}
