import { InflessError } from '../../../models/base/errors.ts';
import {
  DEVICE_INDICES,
  DIMENSIONS,
  dimensionAt,
  GPU,
  needsDevice,
  SHARED_INDICES,
  type Vector,
  vectorOf,
} from '../../../models/base/resources.ts';
import type { NodeCapacity } from '../../cluster/node.ts';

/** What one instance holds of its node. */
export interface Holding {
  readonly needs: Vector;
  /** Which of the node's GPUs its share is of; undefined without one. */
  readonly gpu: number | undefined;
}

/**
 * What is free on one simulated node. Kept apart from the planner's own books, so that it can prove them
 * wrong.
 */
export class NodeResources {
  readonly capacity: NodeCapacity;
  readonly #shared: number[];
  readonly #devices: readonly number[][];

  constructor(capacity: NodeCapacity) {
    this.capacity = capacity;
    this.#shared = [...vectorOf(capacity.shared)];
    this.#devices = capacity.devices.map((device) => [...vectorOf(device)]);
  }

  /**
   * @param gpu the GPU to take the share from; by default the one it fills best
   * @throws InflessError PLATFORM_FAILED when there is not enough: a node is never over-allocated.
   */
  take(needs: Vector, gpu?: number): Holding {
    const chosen = needsDevice(needs) ? (gpu ?? this.#tightestGpu(needs)) : undefined;
    const lacking =
      lackingIn(this.#shared, needs, SHARED_INDICES) ??
      (chosen === undefined ? undefined : lackingIn(this.#devices[chosen] ?? [], needs, DEVICE_INDICES));
    if (lacking !== undefined) {
      const what = DIMENSIONS[dimensionAt(lacking)].title;
      throw new InflessError('PLATFORM_FAILED', `Node "${this.capacity.name}" has not enough ${what} left`);
    }
    const holding = { needs, gpu: chosen };
    this.#book(holding, -1);
    return holding;
  }

  giveBack(holding: Holding): void {
    this.#book(holding, 1);
  }

  #book({ needs, gpu }: Holding, sign: 1 | -1): void {
    for (const index of SHARED_INDICES) this.#shared[index]! += sign * needs[index]!;
    if (gpu === undefined) return;
    for (const index of DEVICE_INDICES) this.#devices[gpu]![index]! += sign * needs[index]!;
  }

  /** Of those with enough the fullest; without one any will do to say what is lacking. */
  #tightestGpu(needs: Vector): number {
    const fitting = this.#devices
      .map((free, gpu) => ({ free, gpu }))
      .filter(({ free }) => lackingIn(free, needs, DEVICE_INDICES) === undefined);
    if (fitting.length === 0) return 0;
    return fitting.reduce((best, each) => (each.free[GPU]! < best.free[GPU]! ? each : best)).gpu;
  }
}

/** The first dimension of which there is too little. */
function lackingIn(free: Vector, needs: Vector, indices: readonly number[]): number | undefined {
  return indices.find((index) => needs[index]! > (free[index] ?? 0));
}
