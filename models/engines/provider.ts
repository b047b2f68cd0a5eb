/**
 * What an engine calls the hardware-specific part that runs a model: `cpu`, `cuda`, `tensorrt`, `webgpu`, …
 */
export type ProviderName = string;

/** The one that every engine has. */
export const CPU_PROVIDER: ProviderName = 'cpu';

/** What runs a GPU share where nothing else is asked for. */
export const DEFAULT_GPU_PROVIDER: ProviderName = 'cuda';

/** A provider of an engine on this machine. */
export interface Provider {
  readonly name: ProviderName;
  /** Why it cannot be used here: what is the matter, and what to do about it. Undefined where it can. */
  readonly unusable?: { readonly what: string; readonly remedy: string };
}

export interface ProviderQuery {
  /** Default: all that the engine was built with. */
  readonly only?: readonly ProviderName[] | undefined;
  /** Added to our own environment, e.g. which card is meant. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** What a share is run by: without a share of a GPU it is always the CPU. */
export function providerFor(resources: {
  readonly gpuPercent: number;
  readonly provider?: ProviderName | undefined;
}): ProviderName {
  return resources.gpuPercent > 0 ? (resources.provider ?? DEFAULT_GPU_PROVIDER) : CPU_PROVIDER;
}

/** Whether a provider computes through CUDA, so that MPS and MIG hold its share. */
export function usesCuda(provider: ProviderName): boolean {
  return provider === 'cuda' || provider === 'tensorrt';
}
