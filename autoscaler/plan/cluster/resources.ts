import type { NodeCapacity } from '../../platforms/platform.ts';
import type { Candidate, Placement } from '../model.ts';

/** What is shared by all functions, in the order in which {@link Resources} hold it. */
export const RESOURCES = ['cpuMillicores', 'gpuPercent', 'memoryBytes'] as const;

/** An amount of each resource, or a price of each. */
export type Resources = readonly [cpuMillicores: number, gpuPercent: number, memoryBytes: number];

export function resourcesOf({ config, memoryBytes }: Pick<Candidate, 'config' | 'memoryBytes'>): Resources {
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
export function fitsOn({ config, memoryBytes }: Candidate, node: NodeCapacity): boolean {
  return (
    config.cpuMillicores <= node.cpuMillicores &&
    memoryBytes <= node.memoryBytes &&
    (config.gpuPercent === 0 || node.gpuPercents.some((percent) => percent >= config.gpuPercent))
  );
}
