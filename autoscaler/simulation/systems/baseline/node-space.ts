import {
  CPU,
  DEVICE_INDICES,
  fits,
  GPU,
  needsDevice,
  SHARED_INDICES,
  type Vector,
  vectorOf,
} from '../../../../models/base/resources.ts';
import { isSelected, type NodeCapacity, type NodeSelector } from '../../../cluster/node.ts';
import { priceOf } from '../../../cluster/price.ts';
import type { Placement } from '../../../cluster/snapshot.ts';
import type { Candidate } from '../../../latency/candidate.ts';

/** Free resources of one node. */
export interface FreeNode {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly shared: number[];
  readonly devices: readonly number[][];
}

/** What is free on the nodes, as a policy keeps its books. */
export class NodeSpace {
  readonly #nodes: readonly FreeNode[];
  readonly #byName: ReadonlyMap<string, FreeNode>;

  constructor(nodes: readonly NodeCapacity[]) {
    this.#nodes = nodes.map((node) => ({
      ...node,
      shared: [...vectorOf(node.shared)],
      devices: node.devices.map((device) => [...vectorOf(device)]),
    }));
    this.#byName = new Map(this.#nodes.map((node) => [node.name, node]));
  }

  /** Nodes with room for it, and where on them it would go. */
  *placesFor(
    { config, needs }: Candidate,
    selector: NodeSelector = {},
  ): Generator<{ readonly node: FreeNode; readonly placement: Placement }> {
    for (const node of this.#nodes) {
      if (!isSelected(node, selector) || !fits(needs, node.shared, SHARED_INDICES)) continue;
      const gpu = needsDevice(needs) ? tightestGpu(node, needs) : undefined;
      if (gpu === -1) continue;
      const where = gpu === undefined ? {} : { gpu };
      yield { node, placement: { config, needs, node: node.name, ...where } };
    }
  }

  /** The node with the least left over. */
  bestFit(candidate: Candidate, selector?: NodeSelector): Placement | undefined {
    let best: { readonly left: number; readonly placement: Placement } | undefined;
    for (const { node, placement } of this.placesFor(candidate, selector)) {
      const left = freePrice(node);
      if (best === undefined || left < best.left) best = { left, placement };
    }
    return best?.placement;
  }

  /** Nodes on which a GPU has room for its share, whatever is left of their CPU. */
  freeGpusFor({ needs }: Candidate): string[] {
    return this.#nodes
      .filter(({ devices }) => devices.some((device) => fits(needs, device, DEVICE_INDICES)))
      .map(({ name }) => name);
  }

  take(placement: Placement): void {
    this.#book(placement, -1);
  }

  giveBack(placement: Placement): void {
    this.#book(placement, 1);
  }

  #book({ node: name, needs, gpu }: Placement, sign: 1 | -1): void {
    const node = this.#byName.get(name)!;
    for (const index of SHARED_INDICES) node.shared[index]! += sign * needs[index]!;
    if (gpu === undefined) return;
    for (const index of DEVICE_INDICES) node.devices[gpu]![index]! += sign * needs[index]!;
  }
}

/** What is free on a node, by price. */
export function freePrice({ shared, devices }: FreeNode): number {
  const gpuPercent = devices.reduce((sum, device) => sum + device[GPU]!, 0);
  return priceOf({ batch: 1, cpuMillicores: shared[CPU]!, gpuPercent });
}

/** The GPU with the least free share that is still enough, or −1. */
function tightestGpu({ devices }: FreeNode, needs: Vector): number {
  let best = -1;
  devices.forEach((device, index) => {
    const isTighter = best < 0 || device[GPU]! < devices[best]![GPU]!;
    if (isTighter && fits(needs, device, DEVICE_INDICES)) best = index;
  });
  return best;
}
