import {
  addTo,
  DEVICE_INDICES,
  fits,
  needsDevice,
  SHARED_INDICES,
  type Vector,
  vectorOf,
  ZERO,
} from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import { givesShare, type NodeCapacity, type ShareNeeds } from './node.ts';

/** What holds resources of a node, or would. */
type Holding = Pick<ShareNeeds, 'needs'>;

/** What nodes have together, empty. */
export function totalOf(nodes: readonly NodeCapacity[]): Vector {
  const total = [...ZERO];
  for (const { shared, devices } of nodes) {
    addTo(total, vectorOf(shared));
    for (const device of devices) addTo(total, vectorOf(device));
  }
  return total;
}

/** What is left when some hold theirs. */
export function without(total: Vector, held: readonly Holding[]): Vector {
  const left = [...total];
  for (const { needs } of held) addTo(left, needs, -1);
  return left.map((amount) => Math.max(0, amount));
}

/** Whether an empty node could hold it. */
export function fitsOn(instance: ShareNeeds, { shared, devices }: NodeCapacity): boolean {
  const { needs } = instance;
  if (!fits(needs, vectorOf(shared), SHARED_INDICES)) return false;
  if (!needsDevice(needs)) return true;
  return devices.some(
    (device) => givesShare(device, instance) && fits(needs, vectorOf(device), DEVICE_INDICES),
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

/** The limit that a config is beyond, in words; undefined for none. */
export function exceeded(config: Config, { cpu, gpu }: InstanceLimits): string | undefined {
  if (cpu !== undefined && config.cpuMillicores > cpu * 1000) return `limits.cpu is ${cpu}`;
  if (gpu !== undefined && config.gpuPercent > gpu) return `limits.gpu is ${gpu}`;
  return undefined;
}

/** Those that some empty node could hold. */
export function placeableOn<T extends ShareNeeds>(
  nodes: readonly NodeCapacity[],
  candidates: readonly T[],
): readonly T[] {
  return candidates.filter((each) => nodes.some((node) => fitsOn(each, node)));
}
