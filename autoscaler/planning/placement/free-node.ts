import {
  addTo,
  CPU,
  DEVICE_INDICES,
  fits,
  GPU,
  needsDevice,
  SHARED_INDICES,
  timesIn,
  type Vector,
  vectorOf,
} from '../../../models/base/resources.ts';
import { type DeviceCapacity, givesShare, type NodeCapacity, type ShareNeeds } from '../../cluster/node.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';

/** A node with room, and which of its GPUs where one is needed. */
export interface Spot {
  readonly node: string;
  readonly gpu?: number;
}

/** What is free on one node. What an instance needs of a device comes from one device. */
export class NodeRoom {
  readonly name: string;
  /** Of what all share. */
  readonly shared: number[];
  readonly devices: readonly number[][];
  readonly #capacities: readonly DeviceCapacity[];

  constructor({ name, shared, devices }: NodeCapacity) {
    this.name = name;
    this.#capacities = devices;
    this.shared = [...vectorOf(shared)];
    this.devices = devices.map((device) => [...vectorOf(device)]);
  }

  get cpuMillicores(): number {
    return this.shared[CPU]!;
  }

  /** The largest share of one GPU that is free. */
  get emptiestGpuPercent(): number {
    let most = 0;
    for (const device of this.devices) if (device[GPU]! > most) most = device[GPU]!;
    return most;
  }

  /** Books an instance that is there already (1), or gives back what it holds (−1): over-booked by others is no error here. */
  book({ needs, gpu }: Placement, sign: 1 | -1): void {
    take(this.shared, needs, SHARED_INDICES, sign);
    if (!needsDevice(needs)) return;
    const device = this.devices[gpu ?? this.#tightestDevice({ needs })];
    if (device !== undefined) take(device, needs, DEVICE_INDICES, sign);
  }

  fits(candidate: Candidate): boolean {
    const { needs } = candidate;
    return (
      fits(needs, this.shared, SHARED_INDICES) &&
      (!needsDevice(needs) || this.#tightestDevice(candidate) >= 0)
    );
  }

  /** Books one that fits. */
  take(candidate: Candidate): Spot {
    const { needs } = candidate;
    take(this.shared, needs, SHARED_INDICES, 1);
    if (!needsDevice(needs)) return { node: this.name };
    const gpu = this.#tightestDevice(candidate);
    take(this.devices[gpu]!, needs, DEVICE_INDICES, 1);
    return { node: this.name, gpu };
  }

  /** How many of them fit. */
  countOf(candidate: Candidate): number {
    const { needs } = candidate;
    const inShared = timesIn(needs, this.shared, SHARED_INDICES);
    if (!needsDevice(needs)) return inShared;
    const onDevices = this.devices.reduce(
      (sum, free, index) =>
        givesShare(this.#capacities[index]!, candidate) ? sum + timesIn(needs, free, DEVICE_INDICES) : sum,
      0,
    );
    return Math.min(inShared, onDevices);
  }

  /** Adds what is free to a total; what is over-booked counts as nothing. */
  addFreeTo(total: number[]): void {
    for (const amounts of [this.shared, ...this.devices]) {
      addTo(
        total,
        amounts.map((amount) => Math.max(0, amount)),
      );
    }
  }

  /** The device with the least free share that is still enough, or −1. */
  #tightestDevice(instance: ShareNeeds): number {
    const { needs } = instance;
    let best = -1;
    for (let index = 0; index < this.devices.length; index += 1) {
      const free = this.devices[index]!;
      const isTighter = best < 0 || free[GPU]! < this.devices[best]![GPU]!;
      if (isTighter && fits(needs, free, DEVICE_INDICES) && givesShare(this.#capacities[index]!, instance))
        best = index;
    }
    return best;
  }
}

function take(free: number[], needs: Vector, indices: readonly number[], sign: 1 | -1): void {
  for (const index of indices) free[index]! -= sign * needs[index]!;
}
