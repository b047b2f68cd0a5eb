import {
  type DeviceResources,
  type SharedResources,
  type Vector,
  vectorOf,
  ZERO,
} from '../../models/base/resources.ts';

/** Allocatable resources of one node, before any instance of ours. */
export interface NodeCapacity {
  readonly name: string;
  /** What a function's `nodeSelector` is matched with; none on a platform without labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly shared: SharedResources;
  /** One entry a GPU. */
  readonly devices: readonly DeviceResources[];
}
/** The same nodes come back with every plan, thousands of them. */
const amounts = new WeakMap<NodeCapacity, Vector>();

/** What an empty node has, as inner loops take it: a vector of what is shared, and behind it one of each device. */
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
