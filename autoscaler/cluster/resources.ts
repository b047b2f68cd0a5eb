import type { Config } from '../../profiles/config.ts';
import type { NodeCapacity } from './node.ts';
import type { Placement } from './snapshot.ts';

/** What an instance holds. */
type Holding = Pick<Placement, 'config' | 'memoryBytes'>;

/** What is shared by all functions, in the order in which {@link Resources} hold it. */
export const RESOURCES = ['cpuMillicores', 'gpuPercent', 'memoryBytes'] as const;

/** An amount of each resource, or a price of each. */
export type Resources = readonly [cpuMillicores: number, gpuPercent: number, memoryBytes: number];

export function resourcesOf({ config, memoryBytes }: Holding): Resources {
  return [config.cpuMillicores, config.gpuPercent, memoryBytes];
}

export function totalOf(nodes: readonly NodeCapacity[]): Resources {
  let cpuMillicores = 0;
  let gpuPercent = 0;
  let memoryBytes = 0;
  for (const node of nodes) {
    cpuMillicores += node.cpuMillicores;
    for (const percent of node.gpuPercents) gpuPercent += percent;
    memoryBytes += node.memoryBytes;
  }
  return [cpuMillicores, gpuPercent, memoryBytes];
}

/** What is left when some hold theirs. */
export function without(total: Resources, held: readonly Placement[]): Resources {
  let [cpuMillicores, gpuPercent, memoryBytes] = total;
  for (const each of held) {
    cpuMillicores -= each.config.cpuMillicores;
    gpuPercent -= each.config.gpuPercent;
    memoryBytes -= each.memoryBytes;
  }
  return [Math.max(0, cpuMillicores), Math.max(0, gpuPercent), Math.max(0, memoryBytes)];
}

/** Of each resource the higher of two prices. */
export function dearest(a: Resources, b: Resources): Resources {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.max(a[2], b[2])];
}

export function lessened([cpuMillicores, gpuPercent, memoryBytes]: Resources, share: number): Resources {
  const left = 1 - share;
  return [cpuMillicores * left, gpuPercent * left, memoryBytes * left];
}

/** Prices where nothing is scarce. */
export const FREE: Resources = [0, 0, 0];

export function isFree(prices: Resources): boolean {
  return prices[0] === 0 && prices[1] === 0 && prices[2] === 0;
}

export function worthOf(amounts: Resources, prices: Resources): number {
  return amounts[0] * prices[0] + amounts[1] * prices[1] + amounts[2] * prices[2];
}

/** Whether an empty node could hold it. */
export function fitsOn({ config, memoryBytes }: Holding, node: NodeCapacity): boolean {
  return (
    config.cpuMillicores <= node.cpuMillicores &&
    memoryBytes <= node.memoryBytes &&
    (config.gpuPercent === 0 || node.gpuPercents.some((percent) => percent >= config.gpuPercent))
  );
}

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

/** How many times its limit a config has of what it exceeds the most; 1 or less for one that is within. */
export function timesBeyond(config: Config, { cpu, gpu }: InstanceLimits): number {
  const times = (amount: number, limit: number): number => (amount === 0 ? 0 : amount / limit);
  return Math.max(
    cpu === undefined ? 0 : times(config.cpuMillicores, cpu * 1000),
    gpu === undefined ? 0 : times(config.gpuPercent, gpu),
  );
}

/** The limit that a config is beyond, in words; undefined for none. */
export function exceeded(config: Config, { cpu, gpu }: InstanceLimits): string | undefined {
  if (cpu !== undefined && config.cpuMillicores > cpu * 1000) return `limits.cpu is ${cpu}`;
  if (gpu !== undefined && config.gpuPercent > gpu) return `limits.gpu is ${gpu}`;
  return undefined;
}

/** Those that some empty node could hold. */
export function placeableOn<T extends Holding>(
  nodes: readonly NodeCapacity[],
  candidates: readonly T[],
): readonly T[] {
  return candidates.filter((each) => nodes.some((node) => fitsOn(each, node)));
}
