import { InflessError } from '../../models/base/errors.ts';
import { type MigSlice, readMigSlices } from '../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../profiles/gpu/smi-xml.ts';
import type { GpuSharing } from '../../profiles/table.ts';
import { Mps } from './mps.ts';

/** How processes come to their share of one GPU. */
export interface GpuShares {
  readonly sharing: GpuSharing;
  /** What a process needs in its environment before it starts; the share has to be one of those asked for. */
  environmentFor(gpuPercent: number): NodeJS.ProcessEnv;
  /** Gives back what sharing took; the processes have to be gone. */
  close(): Promise<void>;
}

const SEVENTHS = 7;

/**
 * Shares of a GPU: its slices where it is partitioned, MPS for parts of a whole one, nothing at all for the whole.
 *
 * @param index position of the GPU in the inventory
 * @param percents above 0
 * @throws InflessError INVALID_INPUT for a share that no slice has, PLATFORM_FAILED where the GPU cannot be used
 */
export async function openGpuShares(
  gpu: SmiGpu,
  index: number,
  percents: readonly number[],
): Promise<GpuShares> {
  if (gpu.uuid === null || gpu.computeMode === 'Prohibited') {
    throw new InflessError('PLATFORM_FAILED', `${gpu.model} lets nobody compute on it`, {
      remedy: 'Set its compute mode to Default with nvidia-smi -c 0, or leave out --gpu.',
    });
  }
  if (gpu.migEnabled === true) {
    const slices = (await readMigSlices()).filter((slice) => slice.gpu === index);
    return migShares(gpu, slices, percents);
  }
  if (percents.every((percent) => percent === 100)) return wholeGpu(gpu.uuid);
  const mps = await Mps.open(gpu.uuid);
  return {
    sharing: 'mps',
    environmentFor: (gpuPercent) => mps.environmentFor(gpuPercent),
    close: () => mps.close(),
  };
}

function wholeGpu(uuid: string): GpuShares {
  return {
    sharing: 'whole',
    environmentFor: () => ({ CUDA_VISIBLE_DEVICES: uuid }),
    close: async () => {},
  };
}

function migShares(gpu: SmiGpu, slices: readonly MigSlice[], percents: readonly number[]): GpuShares {
  const byPercent = new Map<number, string>();
  for (const { profile, uuid } of slices) {
    const percent = percentOfSlice(profile);
    if (percent !== undefined) byPercent.set(percent, uuid);
  }
  const missing = percents.find((percent) => !byPercent.has(percent));
  if (missing !== undefined) {
    const shares = [...byPercent.keys()].sort((a, b) => a - b);
    throw new InflessError(
      'INVALID_INPUT',
      `${gpu.model} is partitioned, and none of its slices is ${missing} % of it`,
      {
        remedy:
          shares.length === 0
            ? 'Make slices with nvidia-smi mig, or turn partitioning off.'
            : `Ask for those that it has: --gpu ${shares.join(',')}.`,
      },
    );
  }
  return {
    sharing: 'mig',
    environmentFor: (gpuPercent) => ({ CUDA_VISIBLE_DEVICES: byPercent.get(gpuPercent)! }),
    close: async () => {},
  };
}

/** `3g.20gb` is three sevenths of the SMs, 43 %; `1c.3g.20gb` the compute of one of them. Undefined for names unheard of. */
export function percentOfSlice(profile: string): number | undefined {
  const [, compute, graphics] = /^(?:(\d+)c\.)?(\d+)g\./.exec(profile) ?? [];
  const sevenths = compute ?? graphics;
  return sevenths === undefined ? undefined : Math.round((100 * Number(sevenths)) / SEVENTHS);
}
