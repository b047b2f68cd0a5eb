import { includes } from '../../cluster/eligible-nodes.ts';
import type { Resources } from '../../cluster/resources.ts';
import type { ClusterSnapshot, Placement, PlannedInstance } from '../../cluster/snapshot.ts';
import { NodeSpace } from '../placement/free-capacity.ts';
import type { Spot } from '../placement/free-node.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';

/**
 * Where there is room: now, while what is being stopped still holds its own, and later, when that has left. What starts
 * must fit now; what is promised room later is in the way of whatever else might start there meanwhile.
 */
export class Room {
  readonly #now: NodeSpace;
  readonly #later: NodeSpace;

  constructor({ nodes, instances, leaving }: ClusterSnapshot) {
    this.#later = new NodeSpace(nodes, instances);
    this.#now = new NodeSpace(nodes, instances, leaving);
  }

  get freeNow(): Resources {
    return this.#now.free;
  }

  freeCpuMillicores(node: string): number {
    return this.#now.freeCpuMillicores(node);
  }

  /** Starts up to `count` instances of an offer, as far as they fit. @returns how many */
  start(plan: FunctionPlan, index: number, count: number): number {
    const spots = this.#now.place(plan.offer(index).candidate, Math.min(count, plan.slots), plan.site.names);
    for (const spot of spots) {
      this.#later.occupy(placementOf(plan, index, spot));
      plan.add(index, spot);
    }
    return spots.length;
  }

  /** Undoes all that was started for a function. */
  takeBackAll(plan: FunctionPlan): void {
    for (const { index, spot } of plan.takeBackAll()) {
      const placement = placementOf(plan, index, spot);
      this.#now.vacate(placement);
      this.#later.vacate(placement);
    }
  }

  /** Keeps room for up to `count` instances that will fit when what is being stopped has left. @returns how many */
  promise(plan: FunctionPlan, index: number, count: number): number {
    const spots = this.#later.place(
      plan.offer(index).candidate,
      Math.min(count, plan.slots),
      plan.site.names,
    );
    for (const spot of spots) {
      this.#now.occupy(placementOf(plan, index, spot));
      plan.expect(index);
    }
    return spots.length;
  }

  /** An instance is stopped: there will be room. */
  leave(instance: PlannedInstance): void {
    this.#later.vacate(instance);
  }

  /** How many instances of an offer would find room on a node if some that run there left. */
  roomWithout(leaving: readonly PlannedInstance[], node: string, plan: FunctionPlan, index: number): number {
    if (!includes(plan.site, node)) return 0;
    for (const instance of leaving) this.#later.vacate(instance);
    const count = this.#later.countOn(node, plan.offer(index).candidate);
    for (const instance of leaving) this.#later.occupy(instance);
    return count;
  }
}

function placementOf(plan: FunctionPlan, index: number, spot: Spot): Placement {
  const { config, memoryBytes } = plan.offer(index).candidate;
  return { config, memoryBytes, ...spot };
}
