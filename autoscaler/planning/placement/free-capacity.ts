import { type Vector, ZERO } from '../../../models/base/resources.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { FreeNode, type NodePlace } from './free-node.ts';
import { FreeNodeIndex } from './free-node-index.ts';

interface Rooms {
  readonly byName: ReadonlyMap<string, FreeNode>;
  readonly shelves: FreeNodeIndex;
}

interface Booking {
  readonly placement: Placement;
  readonly sign: 1 | -1;
}

/**
 * What is free on each node while a plan is being made. Nothing is reckoned before it is asked for: many a
 * plan looks for no room at all.
 */
export class FreeCapacity {
  readonly #nodes: readonly NodeCapacity[];
  readonly #held: readonly Iterable<Placement>[];
  /** What was booked before it was opened. */
  readonly #changes: Booking[] = [];
  #opened: Rooms | undefined;

  /** @param held by what is there already; a node that is gone is no error here */
  constructor(nodes: readonly NodeCapacity[], ...held: Iterable<Placement>[]) {
    this.#nodes = nodes;
    this.#held = held;
  }

  /** Books an instance that is there already. */
  occupy(placement: Placement): void {
    this.#book(placement, 1);
  }

  /** Gives back what an instance holds. */
  vacate(placement: Placement): void {
    this.#book(placement, -1);
  }

  /**
   * Places up to `count` instances, each on the node that it fills best, and books them.
   *
   * @param among names of the nodes they may be on; undefined: any
   */
  place(candidate: Candidate, count: number, among?: ReadonlySet<string>): NodePlace[] {
    const spots: NodePlace[] = [];
    if (count <= 0) return spots;
    const { shelves } = this.#open();
    while (spots.length < count) {
      const room = shelves.tightestFor(candidate, among);
      if (room === undefined) break;
      while (spots.length < count && room.fits(candidate)) spots.push(room.take(candidate));
      shelves.put(room);
    }
    return spots;
  }

  /** How many this node has room for. */
  countOn(node: string, candidate: Candidate): number {
    return this.#open().byName.get(node)?.countOf(candidate) ?? 0;
  }

  /** What is free on all nodes together. */
  get free(): Vector {
    const total = [...ZERO];
    for (const room of this.#open().byName.values()) room.addFreeTo(total);
    return total;
  }

  /** How much CPU is free on a node. */
  freeCpuMillicores(node: string): number {
    return this.#open().byName.get(node)?.cpuMillicores ?? 0;
  }

  #open(): Rooms {
    if (this.#opened === undefined) {
      const byName = new Map<string, FreeNode>();
      for (const node of this.#nodes) byName.set(node.name, new FreeNode(node));
      for (const held of this.#held) {
        for (const placement of held) byName.get(placement.node)?.book(placement, 1);
      }
      const shelves = new FreeNodeIndex(byName.values(), largestOf(this.#nodes));
      this.#opened = { byName, shelves };
      for (const { placement, sign } of this.#changes) this.#book(placement, sign);
    }
    return this.#opened;
  }

  #book(placement: Placement, sign: 1 | -1): void {
    if (this.#opened === undefined) {
      this.#changes.push({ placement, sign });
      return;
    }
    const { byName, shelves } = this.#opened;
    const room = byName.get(placement.node);
    if (room === undefined) return;
    room.book(placement, sign);
    shelves.put(room);
  }
}

function largestOf(nodes: readonly NodeCapacity[]): number {
  let largest = 1;
  for (const { shared } of nodes) largest = Math.max(largest, shared.cpuMillicores);
  return largest;
}
