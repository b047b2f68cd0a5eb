import { InflessError } from '../../models/base/errors.ts';
import { type MigSlice, readMigSlices } from '../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../profiles/gpu/smi-xml.ts';
import type { GpuSharing } from '../../profiles/table.ts';
import { Mps } from './mps.ts';

/** How processes come to their share of one GPU. */
export interface GpuShares {
  readonly sharing: GpuSharing;
  /** What a share that was asked for is exactly: 43 of a card in seven slices is 3/7 of 100. */
  exactPercent(asked: number): number;
  /** What a process needs in its environment before it starts; the share has to be exact. */
  environmentFor(gpuPercent: number): NodeJS.ProcessEnv;
  /** Gives back what sharing took; the processes have to be gone. */
  close(): Promise<void>;
}

/** A share given in whole percent is that of a slice that is as near. */
const ROUNDING = 0.5;

/**
 * Shares of a GPU: its slices where it is partitioned, MPS for parts of a whole one, nothing at all for the
 * whole.
 *
 * @param index position of the GPU in the inventory
 * @param percents above 0
 * @throws InflessError INVALID_INPUT for a share that no slice has, PLATFORM_FAILED where the GPU cannot be
 * used
 */
export async function openGpuShares(
  gpu: SmiGpu,
  index: number,
  percents: readonly number[],
): Promise<GpuShares> {
  if (gpu.uuid === null || gpu.computeMode === 'Prohibited') {
    throw new InflessError('PLATFORM_FAILED', `${gpu.model} accepts no processes`, {
      remedy: 'Set its compute mode to Default with nvidia-smi -c 0, or leave out --gpu.',
    });
  }
  if (gpu.migEnabled === true) {
    const slices = (await readMigSlices()).filter((slice) => slice.gpu === index);
    return migShares(gpu, slices, percents);
  }
  if (percents.every((percent) => percent === 100)) return wholeGpu(gpu.uuid);
  const { uuid } = gpu;
  const mps = await Mps.open([uuid]);
  return {
    sharing: 'mps',
    exactPercent: (asked) => asked,
    environmentFor: (percent) => mps.environmentFor({ gpuUuid: uuid, percent }),
    close: () => mps.close(),
  };
}

function wholeGpu(uuid: string): GpuShares {
  return {
    sharing: 'whole',
    exactPercent: (asked) => asked,
    environmentFor: () => ({ CUDA_VISIBLE_DEVICES: uuid }),
    close: async () => {},
  };
}

function migShares(gpu: SmiGpu, slices: readonly MigSlice[], percents: readonly number[]): GpuShares {
  const byPercent = new Map<number, string>();
  for (const { profile, uuid } of slices) {
    const percent = percentOfSlice(profile, gpu.model);
    if (percent !== undefined) byPercent.set(percent, uuid);
  }
  const exact = (asked: number): number | undefined =>
    [...byPercent.keys()].find((percent) => Math.abs(percent - asked) <= ROUNDING);
  const missing = percents.find((percent) => exact(percent) === undefined);
  if (missing !== undefined) {
    const shares = [...byPercent.keys()].sort((a, b) => a - b);
    throw new InflessError(
      'INVALID_INPUT',
      `${gpu.model} is partitioned, and none of its slices is ${missing} % of it`,
      {
        remedy:
          shares.length === 0
            ? 'Make slices with nvidia-smi mig, or turn partitioning off.'
            : `Ask for those that it has: --gpu ${shares.map((share) => Math.round(share)).join(',')}.`,
      },
    );
  }
  return {
    sharing: 'mig',
    exactPercent: (asked) => exact(asked)!,
    environmentFor: (gpuPercent) => ({ CUDA_VISIBLE_DEVICES: byPercent.get(gpuPercent)! }),
    close: async () => {},
  };
}

/**
 * `3g.20gb` is three sevenths of the SMs; `1c.3g.20gb` the compute of one of them. Exact, as `100 · 3 / 7`: a
 * share that is rounded up fits into no slice. Undefined for names unheard of.
 */
export function percentOfSlice(profile: string, gpuModel: string): number | undefined {
  const [, compute, graphics] = /^(?:(\d+)c\.)?(\d+)g\./.exec(profile) ?? [];
  const slices = compute ?? graphics;
  return slices === undefined ? undefined : (100 * Number(slices)) / slicesOf(gpuModel);
}

/** Into how many compute slices such a GPU can be cut: 7, but for the smaller A30. */
function slicesOf(gpuModel: string): number {
  return /\bA30\b/.test(gpuModel) ? 4 : 7;
}
