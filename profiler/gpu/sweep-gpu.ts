import { InflessError } from '../../models/base/errors.ts';
import type { Engine } from '../../models/engines/engine.ts';
import { DEFAULT_GPU_PROVIDER, type ProviderName, usesCuda } from '../../models/engines/provider.ts';
import { readGpus } from '../../profiles/gpu/nvidia-smi.ts';
import { GpuUse } from './gpu-use.ts';
import { type GpuShares, openGpuShares } from './shares.ts';
import { SmiStream } from './smi-stream.ts';

/** The GPU that a sweep measures shares of. */
export interface SweepGpu {
  readonly model: string;
  readonly driverVersion: string | null;
  /** What of the engine runs the shares. */
  readonly provider: ProviderName;
  readonly sharing: GpuShares['sharing'];
  exactPercent: GpuShares['exactPercent'];
  /** What a process needs in its environment before it starts: its share, and where CUDA's libraries are. */
  environmentFor: GpuShares['environmentFor'];
  /** What the GPU does, from before a cell's process starts. */
  watch(): Promise<GpuUse> | undefined;
  close(): Promise<void>;
}

export interface SweepGpuOptions {
  /** That computes on it. */
  readonly engine: Pick<Engine, 'gpuEnvironment'>;
  /** Default: CUDA. */
  readonly provider?: ProviderName | undefined;
  /** Whether it is an error that there is no GPU. */
  readonly isRequired?: boolean;
}

/**
 * The first GPU of this machine in the shares asked for. Without one the command measures CPU quotas alone,
 * and says so.
 *
 * @param percents of the grid, 0 among them or not
 * @returns undefined where no share is asked for or to be had
 * @throws InflessError as {@link openGpuShares}; ACCELERATOR_UNAVAILABLE where there is no GPU and there must
 * be one; INVALID_INPUT for a part of a GPU on a provider that nothing holds to it
 */
export async function openSweepGpu(
  percents: readonly number[],
  { engine, provider = DEFAULT_GPU_PROVIDER, isRequired = false }: SweepGpuOptions,
  note: (text: string) => void,
): Promise<SweepGpu | undefined> {
  const shares = percents.filter((percent) => percent > 0);
  if (shares.length === 0) return undefined;
  if (!usesCuda(provider)) return wholeOnly(provider, shares);
  const inventory = await readGpus();
  if ('absence' in inventory) {
    if (isRequired) throw noGpu(provider, inventory.absence);
    note(`There is no GPU here (${inventory.absence}): only CPU quotas are measured.`);
    return undefined;
  }
  const { gpus, driverVersion } = inventory.report;
  const gpu = gpus[0]!;
  if (gpus.length > 1) note(`${gpus.length} GPUs are here; the first is measured: ${gpu.model}.`);
  const opened = await openGpuShares(gpu, 0, shares);
  const uuid = gpu.uuid!;
  const stream = SmiStream.start(uuid);
  return {
    model: gpu.model,
    driverVersion,
    provider,
    sharing: opened.sharing,
    exactPercent: (asked) => opened.exactPercent(asked),
    environmentFor: (gpuPercent) => ({ ...engine.gpuEnvironment?.(), ...opened.environmentFor(gpuPercent) }),
    watch: () => GpuUse.before({ uuid, stream }),
    close: () => {
      stream.close();
      return opened.close();
    },
  };
}

function noGpu(provider: ProviderName, absence: string): InflessError {
  return new InflessError(
    'ACCELERATOR_UNAVAILABLE',
    `The ${provider} provider needs an NVIDIA GPU, and there is none here (${absence})`,
    { remedy: 'Install the NVIDIA driver, give the container a GPU, or leave out --provider.' },
  );
}

/**
 * Neither MPS nor MIG hold what does not compute through CUDA; nor is there anybody to ask what the GPU does.
 */
function wholeOnly(provider: ProviderName, percents: readonly number[]): SweepGpu {
  if (percents.some((percent) => percent !== 100)) {
    throw new InflessError('INVALID_INPUT', `Nothing holds the ${provider} provider to a part of a GPU`, {
      remedy: 'Measure the whole: --gpu 0,100.',
    });
  }
  return {
    model: `GPU of the ${provider} provider`,
    driverVersion: null,
    provider,
    sharing: 'whole',
    exactPercent: (asked) => asked,
    environmentFor: () => ({}),
    watch: () => undefined,
    close: async () => {},
  };
}
