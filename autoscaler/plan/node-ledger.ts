import { type Config, configKey } from '../../profiles/config.ts';
import type { NodeCapacity } from '../platforms/platform.ts';
import type { Candidate } from './model.ts';
import { GFLOPS_PER_CORE, GFLOPS_PER_GPU_PERCENT } from './price.ts';

interface FreeNode {
  readonly name: string;
  cpuMillicores: number;
  memoryBytes: number;
  readonly gpuPercents: number[];
}

/** What is still free on each node while a plan is being made. An instance's GPU share comes from one GPU. */
export class NodeLedger {
  readonly #nodes: FreeNode[];

  constructor(nodes: readonly NodeCapacity[]) {
    this.#nodes = nodes.map((node) => ({ ...node, gpuPercents: [...node.gpuPercents] }));
  }

  /** Books an instance that is there already; a node that is gone, or over-booked by others, is no error here. */
  occupy(nodeName: string, config: Config, memoryBytes: number): void {
    const node = this.#nodes.find(({ name }) => name === nodeName);
    if (node === undefined) return;
    node.cpuMillicores -= config.cpuMillicores;
    node.memoryBytes -= memoryBytes;
    const gpu = tightestGpu(node, config.gpuPercent);
    if (gpu >= 0) node.gpuPercents[gpu]! -= config.gpuPercent;
  }

  /** The node with the least left over among those with room (best fit), or undefined. */
  bestFit(candidate: Candidate): string | undefined {
    let best: FreeNode | undefined;
    for (const node of this.#nodes) {
      if (fits(node, candidate) && (best === undefined || freePrice(node) < freePrice(best))) best = node;
    }
    return best?.name;
  }

  copy(): NodeLedger {
    return new NodeLedger(this.#nodes);
  }
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

/** The candidate a running instance's config belongs to, if its table still has it. */
export function candidateOf(candidates: readonly Candidate[], config: Config): Candidate | undefined {
  const key = configKey(config);
  return candidates.find((candidate) => configKey(candidate.config) === key);
}
