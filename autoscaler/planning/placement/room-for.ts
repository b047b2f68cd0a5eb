import {
  addTo,
  amountsOf,
  type Dimension,
  dimensionAt,
  isPerDevice,
  needsDevice,
  timesIn,
  type Vector,
  vectorOf,
  ZERO,
} from '../../../models/base/resources.ts';
import { givesShare, type NodeCapacity } from '../../cluster/node.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { FreeNode } from '../placement/free-node.ts';

/** How many instances of a config nodes have room for, and what there is too little of for one more. */
export interface Fit {
  readonly instances: number;
  readonly limitedBy: Dimension;
}

/** Room on nodes that are empty, or of which only what is free is given. */
export function fitOn(candidate: Candidate, nodes: readonly NodeCapacity[]): Fit {
  let instances = 0;
  const alone = [...ZERO];
  for (const node of nodes) {
    instances += new FreeNode(node).countOf(candidate);
    addTo(alone, timesByDimension(candidate, node));
  }
  const tightest = alone.reduce((least, times, index) => (times < alone[least]! ? index : least), 0);
  return { instances, limitedBy: dimensionAt(tightest) };
}

/** How often it would fit if each dimension were the only one. */
function timesByDimension(candidate: Candidate, { shared, devices }: NodeCapacity): Vector {
  const { needs } = candidate;
  return ZERO.map((_, index) => {
    if (!isPerDevice(index)) return timesIn(needs, vectorOf(shared), [index]);
    if (!needsDevice(needs)) return Infinity;
    return devices
      .filter((device) => givesShare(device, candidate))
      .reduce((sum, device) => sum + timesIn(needs, vectorOf(device), [index]), 0);
  });
}

/** What is left of nodes when others hold so much of them. */
export function without(nodes: readonly NodeCapacity[], held: readonly Placement[]): NodeCapacity[] {
  const byNode = new Map<string, Placement[]>();
  for (const each of held) {
    const group = byNode.get(each.node);
    if (group === undefined) byNode.set(each.node, [each]);
    else group.push(each);
  }
  return nodes.map((node) => {
    const room = new FreeNode(node);
    for (const each of byNode.get(node.name) ?? []) room.book(each, 1);
    const [shared, ...free] = room.vectors.map(amountsOf);
    const devices = node.devices.map((device, index) => ({ ...device, ...free[index]! }));
    return { ...node, shared: shared!, devices };
  });
}
