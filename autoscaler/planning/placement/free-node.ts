import type { NodeCapacity } from '../../cluster/node.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';

/** A node with room, and which of its GPUs where one is needed. */
export interface Spot {
  readonly node: string;
  readonly gpu?: number;
}

/** What is free on one node. An instance's GPU share comes from one GPU. */
export class NodeRoom {
  readonly name: string;
  cpuMillicores: number;
  memoryBytes: number;
  readonly gpuPercents: number[];

  constructor({ name, cpuMillicores, memoryBytes, gpuPercents }: NodeCapacity) {
    this.name = name;
    this.cpuMillicores = cpuMillicores;
    this.memoryBytes = memoryBytes;
    this.gpuPercents = [...gpuPercents];
  }

  /** The largest share of one GPU that is free. */
  get emptiestGpuPercent(): number {
    let most = 0;
    for (const free of this.gpuPercents) if (free > most) most = free;
    return most;
  }

  /** Books an instance that is there already (1), or gives back what it holds (−1): over-booked by others is no error here. */
  book({ config, memoryBytes, gpu }: Placement, sign: 1 | -1): void {
    this.cpuMillicores -= sign * config.cpuMillicores;
    this.memoryBytes -= sign * memoryBytes;
    if (config.gpuPercent === 0) return;
    const chosen = gpu ?? this.#tightestGpu(config.gpuPercent);
    if (chosen >= 0) this.gpuPercents[chosen]! -= sign * config.gpuPercent;
  }

  fits({ config, memoryBytes }: Candidate): boolean {
    if (this.cpuMillicores < config.cpuMillicores || this.memoryBytes < memoryBytes) return false;
    return config.gpuPercent === 0 || this.#tightestGpu(config.gpuPercent) >= 0;
  }

  /** Books one that fits. */
  take({ config, memoryBytes }: Candidate): Spot {
    this.cpuMillicores -= config.cpuMillicores;
    this.memoryBytes -= memoryBytes;
    if (config.gpuPercent === 0) return { node: this.name };
    const gpu = this.#tightestGpu(config.gpuPercent);
    this.gpuPercents[gpu]! -= config.gpuPercent;
    return { node: this.name, gpu };
  }

  /** How many of them fit. */
  countOf({ config: { cpuMillicores, gpuPercent }, memoryBytes }: Candidate): number {
    const timesOn = (sum: number, free: number): number => sum + Math.floor(Math.max(0, free) / gpuPercent);
    return Math.min(
      Math.floor(Math.max(0, this.cpuMillicores) / cpuMillicores),
      memoryBytes === 0 ? Infinity : Math.floor(Math.max(0, this.memoryBytes) / memoryBytes),
      gpuPercent === 0 ? Infinity : this.gpuPercents.reduce(timesOn, 0),
    );
  }

  /** The GPU with the least free share that is still enough, or −1. */
  #tightestGpu(gpuPercent: number): number {
    let best = -1;
    for (let index = 0; index < this.gpuPercents.length; index += 1) {
      const free = this.gpuPercents[index]!;
      if (free >= gpuPercent && (best < 0 || free < this.gpuPercents[best]!)) best = index;
    }
    return best;
  }
}
