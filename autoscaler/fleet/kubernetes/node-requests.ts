import type { V1Pod } from '@kubernetes/client-node';
import type { InformerEvent } from '../../kubernetes/informer.ts';
import { type Amounts, requestedBy, sumOf } from './gpu/amounts.ts';

const NOTHING: Amounts = new Map();

/**
 * What pods have asked for, by node: kept up pod by pod, since one that comes or goes concerns one node of
 * thousands.
 */
export class NodeRequests {
  readonly #pods = new Map<string, Map<string, V1Pod>>();
  /** Of nodes that have been asked about since a pod of theirs changed. */
  readonly #sums = new Map<string, Amounts>();

  /** Returns the node that it is about; none for a pod that has no node yet. */
  note({ type, object: pod }: InformerEvent<V1Pod>): string | undefined {
    const node = pod.spec?.nodeName;
    if (node === undefined) return undefined;
    const key = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    const there = this.#pods.get(node) ?? new Map<string, V1Pod>();
    if (type === 'removed') there.delete(key);
    else there.set(key, pod);
    if (there.size === 0) this.#pods.delete(node);
    else this.#pods.set(node, there);
    this.#sums.delete(node);
    return node;
  }

  on(node: string): Amounts {
    const pods = this.#pods.get(node);
    if (pods === undefined) return NOTHING;
    let sum = this.#sums.get(node);
    if (sum === undefined) {
      sum = sumOf(Array.from(pods.values(), requestedBy));
      this.#sums.set(node, sum);
    }
    return sum;
  }
}
