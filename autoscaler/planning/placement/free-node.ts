import {
  CPU,
  DEVICE_INDICES,
  fits,
  GPU,
  needsDevice,
  SHARED_INDICES,
  timesIn,
  type Vector,
} from '../../../models/base/resources.ts';
import {
  amountsOn,
  type DeviceCapacity,
  givesShare,
  type NodeCapacity,
  type ShareNeeds,
  startOfDevice,
} from '../../cluster/node.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';

/** A node with room, and which of its GPUs where one is needed. */
export interface NodePlace {
  readonly node: string;
  readonly gpu?: number;
}

/** What is free on one node. What an instance needs of a device comes from one device. */
export class FreeNode {
  readonly name: string;
  /** As {@link amountsOn} has it. */
  readonly #free: number[];
  readonly #devices: readonly DeviceCapacity[];

  constructor(node: NodeCapacity) {
    this.name = node.name;
    this.#free = amountsOn(node).slice();
    this.#devices = node.devices;
  }

  get cpuMillicores(): number {
    return this.#free[CPU]!;
  }

  /** The largest share of one GPU that is free. */
  get emptiestGpuPercent(): number {
    let most = 0;
    for (let device = 0; device < this.#devices.length; device += 1) {
      const free = this.#free[startOfDevice(device) + GPU]!;
      if (free > most) most = free;
    }
    return most;
  }

  /** What is free of what all share, and of each device. */
  get vectors(): readonly Vector[] {
    const size = startOfDevice(0);
    return Array.from({ length: this.#devices.length + 1 }, (_, place) =>
      this.#free.slice(place * size, (place + 1) * size),
    );
  }

  /**
   * Books an instance that is there already (1), or gives back what it holds (−1): over-booked by others is
   * no error here.
   */
  book({ needs, gpu }: Placement, sign: 1 | -1): void {
    this.#take(needs, SHARED_INDICES, 0, sign);
    if (!needsDevice(needs)) return;
    const device = gpu ?? this.#tightestDevice({ needs });
    if (device >= 0 && device < this.#devices.length) {
      this.#take(needs, DEVICE_INDICES, startOfDevice(device), sign);
    }
  }

  fits(candidate: Candidate): boolean {
    const { needs } = candidate;
    if (!fits(needs, this.#free, SHARED_INDICES)) return false;
    return !needsDevice(needs) || this.#tightestDevice(candidate) >= 0;
  }

  /** Books one that fits. */
  take(candidate: Candidate): NodePlace {
    const { needs } = candidate;
    this.#take(needs, SHARED_INDICES, 0, 1);
    if (!needsDevice(needs)) return { node: this.name };
    const gpu = this.#tightestDevice(candidate);
    this.#take(needs, DEVICE_INDICES, startOfDevice(gpu), 1);
    return { node: this.name, gpu };
  }

  /** How many of them fit. */
  countOf(candidate: Candidate): number {
    const { needs } = candidate;
    const inShared = timesIn(needs, this.#free, SHARED_INDICES);
    if (!needsDevice(needs)) return inShared;
    let onDevices = 0;
    for (let device = 0; device < this.#devices.length; device += 1) {
      if (!givesShare(this.#devices[device]!, candidate)) continue;
      onDevices += timesIn(needs, this.#free, DEVICE_INDICES, startOfDevice(device));
    }
    return Math.min(inShared, onDevices);
  }

  /** Adds what is free to a total; what is over-booked counts as nothing. */
  addFreeTo(total: number[]): void {
    for (let index = 0; index < this.#free.length; index += 1) {
      total[index % total.length]! += Math.max(0, this.#free[index]!);
    }
  }

  /** The device with the least free share that is still enough, or −1. */
  #tightestDevice(instance: ShareNeeds): number {
    const { needs } = instance;
    let best = -1;
    let least = Infinity;
    for (let device = 0; device < this.#devices.length; device += 1) {
      const from = startOfDevice(device);
      const free = this.#free[from + GPU]!;
      const isTighter = free < least && fits(needs, this.#free, DEVICE_INDICES, from);
      if (isTighter && givesShare(this.#devices[device]!, instance)) {
        best = device;
        least = free;
      }
    }
    return best;
  }

  #take(needs: Vector, indices: readonly number[], from: number, sign: 1 | -1): void {
    for (let place = 0; place < indices.length; place += 1) {
      const index = indices[place]!;
      this.#free[from + index]! -= sign * needs[index]!;
    }
  }
}
