import type { NodeCapacity } from '../platforms/platform.ts';
import type { Candidate, Placement } from './model.ts';
import { GFLOPS_PER_CORE, GFLOPS_PER_GPU_PERCENT } from './price.ts';

interface FreeNode {
  readonly name: string;
  cpuMillicores: number;
  memoryBytes: number;
  readonly gpuPercents: number[];
}

/** A node with room, and which of its GPUs where one is needed. */
export interface Spot {
  readonly node: string;
  readonly gpu?: number;
}

/** What is still free on each node while a plan is being made. An instance's GPU share comes from one GPU. */
export class NodeLedger {
  readonly #nodes: ReadonlyMap<string, FreeNode>;

  constructor(nodes: Iterable<NodeCapacity>) {
    this.#nodes = new Map(
      Array.from(nodes, (node) => [node.name, { ...node, gpuPercents: [...node.gpuPercents] }]),
    );
  }

  /** Books an instance that is there already; a node that is gone, or over-booked by others, is no error here. */
  occupy(placement: Placement): void {
    this.#book(placement, 1);
  }

  /** Gives back what an instance holds. */
  vacate(placement: Placement): void {
    this.#book(placement, -1);
  }

  /** The node with the least left over among those with room (best fit), or undefined. */
  bestFit(candidate: Candidate): Spot | undefined {
    let best: FreeNode | undefined;
    for (const node of this.#nodes.values()) {
      if (fits(node, candidate) && (best === undefined || freePrice(node) < freePrice(best))) best = node;
    }
    return best === undefined ? undefined : spotOn(best, candidate);
  }

  /** Whether a node has room for it. */
  hasRoom(nodeName: string, candidate: Candidate): boolean {
    const node = this.#nodes.get(nodeName);
    return node !== undefined && fits(node, candidate);
  }

  copy(): NodeLedger {
    return new NodeLedger(this.#nodes.values());
  }

  #book({ node: nodeName, config, memoryBytes, gpu }: Placement, sign: 1 | -1): void {
    const node = this.#nodes.get(nodeName);
    if (node === undefined) return;
    node.cpuMillicores -= sign * config.cpuMillicores;
    node.memoryBytes -= sign * memoryBytes;
    const chosen = gpu ?? tightestGpu(node, config.gpuPercent);
    if (chosen >= 0) node.gpuPercents[chosen]! -= sign * config.gpuPercent;
  }
}

function spotOn(node: FreeNode, { config }: Candidate): Spot {
  if (config.gpuPercent === 0) return { node: node.name };
  return { node: node.name, gpu: tightestGpu(node, config.gpuPercent) };
}

function fits(node: FreeNode, { config, memoryBytes }: Candidate): boolean {
  if (node.cpuMillicores < config.cpuMillicores || node.memoryBytes < memoryBytes) return false;
  return config.gpuPercent === 0 || tightestGpu(node, config.gpuPercent) >= 0;
}

/** The GPU with the least free share that is still enough, or −1. */
function tightestGpu(node: FreeNode, gpuPercent: number): number {
  if (gpuPercent === 0) return -1;
  let best = -1;
  node.gpuPercents.forEach((free, index) => {
    if (free >= gpuPercent && (best < 0 || free < node.gpuPercents[best]!)) best = index;
  });
  return best;
}

function freePrice(node: FreeNode): number {
  const gpu = node.gpuPercents.reduce((sum, free) => sum + Math.max(0, free), 0);
  return (Math.max(0, node.cpuMillicores) / 1000) * GFLOPS_PER_CORE + gpu * GFLOPS_PER_GPU_PERCENT;
}
