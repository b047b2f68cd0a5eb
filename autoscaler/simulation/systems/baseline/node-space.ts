import { isSelected, type NodeCapacity, type NodeSelector } from '../../../cluster/node.ts';
import { priceOf } from '../../../cluster/price.ts';
import type { Placement } from '../../../cluster/snapshot.ts';
import type { Candidate } from '../../../latency/candidate.ts';

/** Free resources of one node. */
export interface FreeNode {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  cpuMillicores: number;
  memoryBytes: number;
  readonly gpuPercents: number[];
}

/** What is free on the nodes, as a policy keeps its books. */
export class NodeSpace {
  readonly #nodes: readonly FreeNode[];

  constructor(nodes: readonly NodeCapacity[]) {
    this.#nodes = nodes.map((node) => ({ ...node, gpuPercents: [...node.gpuPercents] }));
  }

  /** Nodes with room for it, and where on them it would go. */
  *placesFor(
    candidate: Candidate,
    selector: NodeSelector = {},
  ): Generator<{ readonly node: FreeNode; readonly placement: Placement }> {
    const { config, memoryBytes } = candidate;
    for (const node of this.#nodes) {
      if (!isSelected(node, selector)) continue;
      if (node.cpuMillicores < config.cpuMillicores || node.memoryBytes < memoryBytes) continue;
      const gpu = config.gpuPercent === 0 ? undefined : tightestGpu(node, config.gpuPercent);
      if (gpu === -1) continue;
      const where = gpu === undefined ? {} : { gpu };
      yield { node, placement: { config, memoryBytes, node: node.name, ...where } };
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

  take(placement: Placement): void {
    this.#book(placement, -1);
  }

  giveBack(placement: Placement): void {
    this.#book(placement, 1);
  }

  #book({ node: name, config, memoryBytes, gpu }: Placement, sign: 1 | -1): void {
    const node = this.#nodes.find((each) => each.name === name)!;
    node.cpuMillicores += sign * config.cpuMillicores;
    node.memoryBytes += sign * memoryBytes;
    if (gpu !== undefined) node.gpuPercents[gpu]! += sign * config.gpuPercent;
  }
}

/** What is free on a node, by price. */
export function freePrice({ cpuMillicores, gpuPercents }: FreeNode): number {
  const gpuPercent = gpuPercents.reduce((sum, free) => sum + free, 0);
  return priceOf({ batch: 1, cpuMillicores, gpuPercent });
}

/** The GPU with the least free share that is still enough, or −1. */
function tightestGpu(node: FreeNode, gpuPercent: number): number {
  let best = -1;
  node.gpuPercents.forEach((free, index) => {
    if (free >= gpuPercent && (best < 0 || free < node.gpuPercents[best]!)) best = index;
  });
  return best;
}
