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
import { amountsOn, givesShare, type NodeCapacity, type ShareNeeds, startOfDevice } from './node.ts';

/** What holds resources of a node, or would. */
type Holding = Pick<ShareNeeds, 'needs'>;

const totals = new WeakMap<readonly NodeCapacity[], Vector>();

/** What nodes have together, empty. */
export function totalOf(nodes: readonly NodeCapacity[]): Vector {
  let total = totals.get(nodes);
  if (total === undefined) {
    total = newTotal(nodes);
    totals.set(nodes, total);
  }
  return total;
}

function newTotal(nodes: readonly NodeCapacity[]): Vector {
  const total = [...ZERO];
  for (const { shared, devices } of nodes) {
    for (const some of [shared, ...devices]) addTo(total, vectorOf(some));
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
export function fitsOn(instance: ShareNeeds, node: NodeCapacity): boolean {
  const { needs } = instance;
  const free = amountsOn(node);
  if (!fits(needs, free, SHARED_INDICES)) return false;
  if (!needsDevice(needs)) return true;
  return node.devices.some(
    (device, index) =>
      givesShare(device, instance) && fits(needs, free, DEVICE_INDICES, startOfDevice(index)),
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
export function placeableOn<T extends ShareNeeds>(
  nodes: readonly NodeCapacity[],
  candidates: readonly T[],
): readonly T[] {
  return candidates.filter((each) => nodes.some((node) => fitsOn(each, node)));
}
