import type { V1Pod } from '@kubernetes/client-node';

const NVIDIA = 'nvidia.com/';
/** How the device plugin names one of the replicas under which it gives out a card: `GPU-…::3`. */
const REPLICA = /^(.+)::\d+$/;

/**
 * The card of which the kubelet gave a pod a replica, by its UUID: Kubernetes tells it in the status of a
 * container from 1.31 on, where the feature ResourceHealthStatus is on. Undefined where it does not, and for
 * what one pod has alone: then one piece is as good as another.
 */
export function allocatedCard({ status }: V1Pod): string | undefined {
  const all = (status?.containerStatuses ?? []).flatMap(
    ({ allocatedResourcesStatus = [] }) => allocatedResourcesStatus,
  );
  const ids = all
    .filter(({ name }) => name.startsWith(NVIDIA))
    .flatMap(({ resources = [] }) => resources.map(({ resourceID }) => resourceID));
  return ids.map((id) => REPLICA.exec(id)?.[1]).find((card) => card !== undefined);
}

/**
 * Which of a node's places, as plans count them, each of its cards has. The device plugin chooses among
 * several cards by itself, and a plan knows how many there are, but not which is which: the first instance on
 * a card brings it to the place that was planned for it, all others on that card are there as well.
 */
export class CardPlaces {
  readonly #byNode = new Map<string, Map<string, number>>();

  /** @param planned where the instance was meant to be */
  placeOf(node: string, card: string, planned: number): number {
    const places = this.#byNode.get(node) ?? new Map<string, number>();
    this.#byNode.set(node, places);
    const known = places.get(card);
    if (known !== undefined) return known;
    const taken = new Set(places.values());
    let place = planned;
    for (let next = 0; taken.has(place); next += 1) place = next;
    places.set(card, place);
    return place;
  }
}
