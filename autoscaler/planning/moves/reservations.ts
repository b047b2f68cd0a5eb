import type { Vector } from '../../../models/base/resources.ts';
import { type EligibleNodes, includes } from '../../cluster/eligible-nodes.ts';
import type { ClusterSnapshot, PlacedInstance, Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { FreeCapacity } from '../placement/free-capacity.ts';
import type { NodePlace } from '../placement/free-node.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';

/**
 * Where there is room: now, while what is being stopped still holds its own, and later, when that has left.
 * What starts must fit now; what is promised room later is in the way of whatever else might start there
 * meanwhile.
 */
export class Reservations {
  readonly #now: FreeCapacity;
  readonly #later: FreeCapacity;

  constructor({ nodes, instances, leaving }: ClusterSnapshot) {
    this.#later = new FreeCapacity(nodes, instances);
    this.#now = new FreeCapacity(nodes, instances, leaving);
  }

  get freeNow(): Vector {
    return this.#now.free;
  }

  freeCpuMillicores(node: string): number {
    return this.#now.freeCpuMillicores(node);
  }

  /** Starts up to `count` instances of an offer, as far as they fit. @returns how many */
  start(plan: FunctionPlan, index: number, count: number): number {
    const spots = this.#now.place(plan.offer(index).candidate, Math.min(count, plan.slots), plan.site.names);
    for (const spot of spots) {
      this.#later.occupy(placementOf(plan.offer(index).candidate, spot));
      plan.add(index, spot);
    }
    return spots.length;
  }

  /** Undoes all that was started for a function. */
  takeBackAll(plan: FunctionPlan): void {
    for (const { index, spot } of plan.takeBackAll()) {
      const placement = placementOf(plan.offer(index).candidate, spot);
      this.#now.vacate(placement);
      this.#later.vacate(placement);
    }
  }

  /**
   * Keeps room for up to `count` instances that will fit when what is being stopped has left. @returns how
   * many
   */
  reserve(plan: FunctionPlan, index: number, count: number): number {
    const spots = this.#later.place(
      plan.offer(index).candidate,
      Math.min(count, plan.slots),
      plan.site.names,
    );
    for (const spot of spots) {
      this.#now.occupy(placementOf(plan.offer(index).candidate, spot));
      plan.expect(index);
    }
    return spots.length;
  }

  /** Starts one of any config for a function of which no offer finds a place. @returns whether it fits */
  startFallback(plan: FunctionPlan, candidate: Candidate): boolean {
    const [spot] = this.#now.place(candidate, 1, plan.site.names);
    if (spot === undefined) return false;
    this.#later.occupy(placementOf(candidate, spot));
    plan.addFallback(candidate, spot);
    return true;
  }

  /**
   * Keeps room for the same that will be there when what is being stopped has left. @returns whether there
   * will be any
   */
  reserveFallback(plan: FunctionPlan, candidate: Candidate): boolean {
    const [spot] = this.#later.place(candidate, 1, plan.site.names);
    if (spot === undefined) return false;
    this.#now.occupy(placementOf(candidate, spot));
    plan.expectFallback();
    return true;
  }

  /** An instance is stopped: there will be room. */
  leave(instance: PlacedInstance): void {
    this.#later.vacate(instance);
  }

  /** How many instances would find room on a node if some that run there left. */
  roomWithout(
    leaving: readonly PlacedInstance[],
    node: string,
    site: EligibleNodes,
    candidate: Candidate,
  ): number {
    if (!includes(site, node)) return 0;
    for (const instance of leaving) this.#later.vacate(instance);
    const count = this.#later.countOn(node, candidate);
    for (const instance of leaving) this.#later.occupy(instance);
    return count;
  }
}

function placementOf({ config, needs }: Candidate, spot: NodePlace): Placement {
  return { config, needs, ...spot };
}
