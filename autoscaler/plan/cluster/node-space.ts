import type { NodeCapacity } from '../../platforms/platform.ts';
import type { Candidate, Placement } from '../model.ts';
import type { Resources } from './resources.ts';

/** A node with room, and which of its GPUs where one is needed. */
export interface Spot {
  readonly node: string;
  readonly gpu?: number;
}

interface Space {
  readonly name: string;
  cpuMillicores: number;
  memoryBytes: number;
  readonly gpuPercents: number[];
  /** Where it stands in its shelf. */
  place: number;
  shelf: number;
}

/** Nodes stand on shelves by what they have free: the emptiest GPU, then CPU, in steps of a share of the largest node's. */
const GPU_STEPS = 20;
const CPU_STEPS = 60;

/**
 * What is free on each node while a plan is being made, sorted so that the fullest node with room is found without looking
 * at all. An instance's GPU share comes from one GPU.
 */
export class NodeSpace {
  readonly #byName = new Map<string, Space>();
  /** Most stay empty, and are not there then. */
  readonly #shelves = new Array<Space[] | undefined>((GPU_STEPS + 1) * (CPU_STEPS + 1)).fill(undefined);
  /** How many nodes stand on the shelves of each GPU step. */
  readonly #onGpuStep = new Array<number>(GPU_STEPS + 1).fill(0);
  readonly #cpuStep: number;

  constructor(nodes: Iterable<NodeCapacity>, held: Iterable<Placement> = [], cpuStep = cpuStepOf(nodes)) {
    this.#cpuStep = cpuStep;
    for (const { name, cpuMillicores, memoryBytes, gpuPercents } of nodes) {
      const space = {
        name,
        cpuMillicores,
        memoryBytes,
        gpuPercents: [...gpuPercents],
        place: 0,
        shelf: -1,
      };
      this.#byName.set(name, space);
    }
    for (const placement of held) this.#book(placement, 1);
    for (const space of this.#byName.values()) this.#shelve(space);
  }

  /** The same nodes with more on them: what they hold already need not be booked again. */
  copyWith(held: Iterable<Placement>): NodeSpace {
    return new NodeSpace(this.#byName.values(), held, this.#cpuStep);
  }

  /** Books an instance that is there already; a node that is gone, or over-booked by others, is no error here. */
  occupy(placement: Placement): void {
    const space = this.#book(placement, 1);
    if (space !== undefined) this.#shelve(space);
  }

  /** Gives back what an instance holds. */
  vacate(placement: Placement): void {
    const space = this.#book(placement, -1);
    if (space !== undefined) this.#shelve(space);
  }

  /** Places up to `count` instances, each on the node that it fills best, and books them. */
  place(candidate: Candidate, count: number): Spot[] {
    const spots: Spot[] = [];
    while (spots.length < count) {
      const space = this.#fullestWithRoom(candidate);
      if (space === undefined) break;
      while (spots.length < count && hasRoom(space, candidate)) spots.push(take(space, candidate));
      this.#shelve(space);
    }
    return spots;
  }

  /** How many this node has room for. */
  countOn(node: string, { config, memoryBytes }: Candidate): number {
    const space = this.#byName.get(node);
    if (space === undefined) return 0;
    const { cpuMillicores, gpuPercent } = config;
    const timesOn = (sum: number, free: number): number => sum + Math.floor(Math.max(0, free) / gpuPercent);
    return Math.min(
      Math.floor(Math.max(0, space.cpuMillicores) / cpuMillicores),
      memoryBytes === 0 ? Infinity : Math.floor(Math.max(0, space.memoryBytes) / memoryBytes),
      gpuPercent === 0 ? Infinity : space.gpuPercents.reduce(timesOn, 0),
    );
  }

  /** What is free on all nodes together. */
  get free(): Resources {
    const total: [number, number, number] = [0, 0, 0];
    for (const { cpuMillicores, gpuPercents, memoryBytes } of this.#byName.values()) {
      total[0] += Math.max(0, cpuMillicores);
      for (const percent of gpuPercents) total[1] += Math.max(0, percent);
      total[2] += Math.max(0, memoryBytes);
    }
    return total;
  }

  /** How much CPU is free on a node. */
  freeCpuMillicores(node: string): number {
    return this.#byName.get(node)?.cpuMillicores ?? 0;
  }

  /** Nodes whose GPUs are used up come first, then those with little CPU: the rest stays in one piece for large ones. */
  #fullestWithRoom(candidate: Candidate): Space | undefined {
    const { cpuMillicores, gpuPercent } = candidate.config;
    const fromCpu = Math.min(CPU_STEPS, Math.floor(cpuMillicores / this.#cpuStep));
    for (let gpu = Math.floor((gpuPercent * GPU_STEPS) / 100); gpu <= GPU_STEPS; gpu += 1) {
      if (this.#onGpuStep[gpu] === 0) continue;
      for (let cpu = fromCpu; cpu <= CPU_STEPS; cpu += 1) {
        const shelf = this.#shelves[gpu * (CPU_STEPS + 1) + cpu];
        const space = shelf?.find((each) => hasRoom(each, candidate));
        if (space !== undefined) return space;
      }
    }
    return undefined;
  }

  #book({ node, config, memoryBytes, gpu }: Placement, sign: 1 | -1): Space | undefined {
    const space = this.#byName.get(node);
    if (space === undefined) return undefined;
    space.cpuMillicores -= sign * config.cpuMillicores;
    space.memoryBytes -= sign * memoryBytes;
    const chosen = gpu ?? tightestGpu(space, config.gpuPercent);
    if (chosen >= 0 && config.gpuPercent > 0) space.gpuPercents[chosen]! -= sign * config.gpuPercent;
    return space;
  }

  #shelve(space: Space): void {
    const emptiest = space.gpuPercents.reduce((most, free) => Math.max(most, free), 0);
    const gpu = Math.min(GPU_STEPS, Math.floor((emptiest * GPU_STEPS) / 100));
    const cpu = Math.min(CPU_STEPS, Math.max(0, Math.floor(space.cpuMillicores / this.#cpuStep)));
    const shelf = gpu * (CPU_STEPS + 1) + cpu;
    if (shelf === space.shelf) return;
    if (space.shelf >= 0) {
      this.#onGpuStep[Math.floor(space.shelf / (CPU_STEPS + 1))]! -= 1;
      const old = this.#shelves[space.shelf]!;
      const last = old.pop()!;
      if (last !== space) {
        old[space.place] = last;
        last.place = space.place;
      }
    }
    this.#onGpuStep[gpu]! += 1;
    this.#shelves[shelf] ??= [];
    space.shelf = shelf;
    space.place = this.#shelves[shelf].push(space) - 1;
  }
}

function cpuStepOf(nodes: Iterable<NodeCapacity>): number {
  let largest = 1;
  for (const { cpuMillicores } of nodes) largest = Math.max(largest, cpuMillicores);
  return largest / CPU_STEPS;
}

function take(space: Space, { config, memoryBytes }: Candidate): Spot {
  space.cpuMillicores -= config.cpuMillicores;
  space.memoryBytes -= memoryBytes;
  if (config.gpuPercent === 0) return { node: space.name };
  const gpu = tightestGpu(space, config.gpuPercent);
  space.gpuPercents[gpu]! -= config.gpuPercent;
  return { node: space.name, gpu };
}

function hasRoom(space: Space, { config, memoryBytes }: Candidate): boolean {
  if (space.cpuMillicores < config.cpuMillicores || space.memoryBytes < memoryBytes) return false;
  return config.gpuPercent === 0 || tightestGpu(space, config.gpuPercent) >= 0;
}

/** The GPU with the least free share that is still enough, or −1. */
function tightestGpu({ gpuPercents }: Space, gpuPercent: number): number {
  if (gpuPercent === 0) return -1;
  let best = -1;
  for (let index = 0; index < gpuPercents.length; index += 1) {
    const free = gpuPercents[index]!;
    if (free >= gpuPercent && (best < 0 || free < gpuPercents[best]!)) best = index;
  }
  return best;
}
