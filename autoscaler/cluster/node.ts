import {
  type DeviceResources,
  GPU,
  isAtMost,
  type SharedResources,
  type Vector,
  vectorOf,
  ZERO,
} from '../../models/base/resources.ts';
import type { GpuSharing } from '../../profiles/table.ts';

/** What there is of one GPU, or of a piece of one. */
export interface DeviceCapacity extends DeviceResources {
  /** How its parts are held; undefined where that makes no difference, as in simulations. */
  readonly sharing?: GpuSharing;
}

/** Allocatable resources of one node, before any instance of ours. */
export interface NodeCapacity {
  readonly name: string;
  /** What a function's `nodeSelector` is matched with; none on a platform without labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly shared: SharedResources;
  /** One entry a GPU. */
  readonly devices: readonly DeviceCapacity[];
}
/** The same nodes come back with every plan, thousands of them. */
const amounts = new WeakMap<NodeCapacity, Vector>();

/**
 * What an empty node has, as inner loops take it: a vector of what is shared, and behind it one of each
 * device.
 */
export function amountsOn(node: NodeCapacity): Vector {
  let known = amounts.get(node);
  if (known === undefined) {
    known = [node.shared, ...node.devices].flatMap(vectorOf);
    amounts.set(node, known);
  }
  return known;
}

/** Where in {@link amountsOn} a device's vector begins. */
export function startOfDevice(device: number): number {
  return (device + 1) * ZERO.length;
}

/** What an instance needs, and how a part of a GPU among it was held when it was measured. */
export interface ShareNeeds {
  readonly needs: Vector;
  readonly sharing?: GpuSharing;
}

/**
 * Whether a device gives shares of this size and kind at all, whatever is free of it. MPS gives any
 * percentage. A slice, a turn and a GPU that is not shared go to one process each: to one that needs more
 * than half of it, or a plan that counts in percents would put a second one there. A GPU that is had whole is
 * never slower than a part of it.
 */
export function givesShare(device: DeviceCapacity, { needs, sharing = device.sharing }: ShareNeeds): boolean {
  if (device.sharing === undefined) return true;
  const isPiece = device.sharing === 'time-slicing' ? device.gpuPercent < 100 : device.sharing !== 'mps';
  if (isPiece && 2 * needs[GPU]! <= device.gpuPercent) return false;
  return device.sharing === 'whole' || sharing === device.sharing;
}

/**
 * Whether an instance finds no place wherever another finds none, since it needs no less of anything. Where
 * GPUs are not shared just by the percent, less of one may find none where more does.
 *
 * @param nodes one of each kind that there is
 */
export function isNoEasier(instance: ShareNeeds, other: ShareNeeds, nodes: readonly NodeCapacity[]): boolean {
  const isSameShare =
    other.needs[GPU] === 0 ||
    (instance.needs[GPU] === other.needs[GPU] && instance.sharing === other.sharing) ||
    !nodes.some(({ devices }) => devices.some(({ sharing }) => sharing !== undefined));
  return isSameShare && isAtMost(other.needs, instance.needs);
}

/** Labels, with the values that a node must have. */
export type NodeSelector = Readonly<Record<string, string>>;

/** Whether a node has all the labels that are asked for. */
export function isSelected({ labels = {} }: Pick<NodeCapacity, 'labels'>, selector: NodeSelector): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}

/** The same for nodes that have as much of everything. */
export function kindOf({ shared, devices }: NodeCapacity): string {
  return [shared, ...devices].map((amounts) => Object.values(amounts).join('/')).join(' ');
}

/** `gpu=a100, zone=b`, in the order of the labels. Empty where any node will do. */
export function selectorText(selector: NodeSelector): string {
  return Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(', ');
}
