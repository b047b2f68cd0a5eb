import { CPU, GPU } from '../../../models/base/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { FreeNode } from './free-node.ts';

/**
 * Nodes stand on shelves by what they have free: the emptiest GPU, then CPU, in steps of a share of the
 * largest node's.
 */
const GPU_STEPS = 20;
const CPU_STEPS = 60;

/** Where a node stands: on which shelf of which rack, and at which place there. */
interface Standing {
  rack: number;
  shelf: number;
  place: number;
}

/** Nodes that have about as much free of a GPU. Most shelves stay empty, and are not there then. */
interface Rack {
  nodes: number;
  readonly shelves: (FreeNode[] | undefined)[];
}

/** Nodes sorted by what they have free, so that the fullest one with room is found without looking at all. */
export class FreeNodeIndex {
  readonly #racks: (Rack | undefined)[] = new Array(GPU_STEPS + 1).fill(undefined);
  readonly #standings = new Map<FreeNode, Standing>();
  readonly #cpuStep: number;

  /** @param largestMillicores of the largest node, empty */
  constructor(nodes: Iterable<FreeNode>, largestMillicores: number) {
    this.#cpuStep = largestMillicores / CPU_STEPS;
    for (const node of nodes) this.put(node);
  }

  /** Puts a node where it belongs by what it has free now. */
  put(node: FreeNode): void {
    const rack = Math.min(GPU_STEPS, rackOf(node.emptiestGpuPercent));
    const shelf = Math.max(0, this.#shelfOf(node.cpuMillicores));
    const standing = this.#standings.get(node);
    if (standing === undefined) {
      this.#standings.set(node, { rack, shelf, place: this.#add(node, rack, shelf) });
    } else if (standing.rack !== rack || standing.shelf !== shelf) {
      this.#takeDown(standing);
      standing.rack = rack;
      standing.shelf = shelf;
      standing.place = this.#add(node, rack, shelf);
    }
  }

  /**
   * Nodes whose GPUs are used up come first, then those with little CPU: the rest stays in one piece for
   * large ones.
   *
   * @param among names of the nodes it may be; undefined: any
   */
  tightestFor(candidate: Candidate, among?: ReadonlySet<string>): FreeNode | undefined {
    const { needs } = candidate;
    const isPossible = (node: FreeNode): boolean =>
      (among === undefined || among.has(node.name)) && node.fits(candidate);
    for (let rack = rackOf(needs[GPU]!); rack <= GPU_STEPS; rack += 1) {
      const { nodes = 0, shelves } = this.#racks[rack] ?? {};
      if (nodes === 0) continue;
      for (let shelf = this.#shelfOf(needs[CPU]!); shelf <= CPU_STEPS; shelf += 1) {
        const node = shelves![shelf]?.find(isPossible);
        if (node !== undefined) return node;
      }
    }
    return undefined;
  }

  #shelfOf(cpuMillicores: number): number {
    return Math.min(CPU_STEPS, Math.floor(cpuMillicores / this.#cpuStep));
  }

  /** @returns its place on the shelf */
  #add(node: FreeNode, rack: number, shelf: number): number {
    this.#racks[rack] ??= { nodes: 0, shelves: new Array(CPU_STEPS + 1).fill(undefined) };
    const { shelves } = this.#racks[rack];
    this.#racks[rack].nodes += 1;
    shelves[shelf] ??= [];
    return shelves[shelf].push(node) - 1;
  }

  /** The last one on the shelf takes the place that becomes free. */
  #takeDown({ rack, shelf, place }: Standing): void {
    const nodes = this.#racks[rack]!.shelves[shelf]!;
    this.#racks[rack]!.nodes -= 1;
    const last = nodes.pop()!;
    if (place === nodes.length) return;
    nodes[place] = last;
    this.#standings.get(last)!.place = place;
  }
}

function rackOf(gpuPercent: number): number {
  return Math.floor((gpuPercent * GPU_STEPS) / 100);
}
