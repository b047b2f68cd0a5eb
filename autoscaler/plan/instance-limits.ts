import type { Config } from '../../profiles/config.ts';

/** The most that one instance of a function may be given; no limit where nothing is said. */
export interface InstanceLimits {
  /** Cores. */
  readonly cpu?: number | undefined;
  /** Percent of one GPU. */
  readonly gpu?: number | undefined;
}

export function isWithin(config: Config, limits: InstanceLimits): boolean {
  return exceeded(config, limits) === undefined;
}

/** The limit that a config is beyond, in words; undefined for none. */
export function exceeded(config: Config, { cpu, gpu }: InstanceLimits): string | undefined {
  if (cpu !== undefined && config.cpuMillicores > cpu * 1000) return `limits.cpu is ${cpu}`;
  if (gpu !== undefined && config.gpuPercent > gpu) return `limits.gpu is ${gpu}`;
  return undefined;
}
