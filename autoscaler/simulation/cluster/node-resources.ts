import { InflessError } from '../../../models/base/errors.ts';
import type { Config } from '../../../profiles/config.ts';
import type { NodeCapacity } from '../../cluster/node.ts';

/** What one instance holds of its node. */
export interface Holding {
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  readonly gpuPercent: number;
  /** Which of the node's GPUs the share is of; undefined without one. */
  readonly gpu: number | undefined;
}

/** What is free on one simulated node. Kept apart from the planner's own books, so that it can prove them wrong. */
export class NodeResources {
  readonly capacity: NodeCapacity;
  #freeCpuMillicores: number;
  #freeMemoryBytes: number;
  readonly #freeGpuPercents: number[];

  constructor(capacity: NodeCapacity) {
    this.capacity = capacity;
    this.#freeCpuMillicores = capacity.cpuMillicores;
    this.#freeMemoryBytes = capacity.memoryBytes;
    this.#freeGpuPercents = [...capacity.gpuPercents];
  }

  /**
   * @param gpu the GPU to take the share from; by default the one it fills best
   * @throws InflessError PLATFORM_FAILED when there is not enough: a node is never over-allocated.
   */
  take(config: Config, memoryBytes: number, gpu?: number): Holding {
    const { cpuMillicores, gpuPercent } = config;
    if (cpuMillicores > this.#freeCpuMillicores) throw this.#full('CPU');
    if (memoryBytes > this.#freeMemoryBytes) throw this.#full('memory');
    const chosen = gpuPercent === 0 ? undefined : (gpu ?? this.#tightestGpu(gpuPercent));
    if (chosen !== undefined) {
      if (gpuPercent > (this.#freeGpuPercents[chosen] ?? 0)) throw this.#full('GPU');
      this.#freeGpuPercents[chosen]! -= gpuPercent;
    }
    this.#freeCpuMillicores -= cpuMillicores;
    this.#freeMemoryBytes -= memoryBytes;
    return { cpuMillicores, memoryBytes, gpuPercent, gpu: chosen };
  }

  giveBack(holding: Holding): void {
    this.#freeCpuMillicores += holding.cpuMillicores;
    this.#freeMemoryBytes += holding.memoryBytes;
    if (holding.gpu !== undefined) this.#freeGpuPercents[holding.gpu]! += holding.gpuPercent;
  }

  #tightestGpu(gpuPercent: number): number {
    const fitting = this.#freeGpuPercents
      .map((free, gpu) => ({ free, gpu }))
      .filter(({ free }) => free >= gpuPercent);
    if (fitting.length === 0) throw this.#full('GPU');
    return fitting.reduce((best, each) => (each.free < best.free ? each : best)).gpu;
  }

  #full(what: string): InflessError {
    return new InflessError('PLATFORM_FAILED', `Node "${this.capacity.name}" has not enough ${what} left`);
  }
}
