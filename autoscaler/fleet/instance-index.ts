import type { Instance } from '../cluster/instance.ts';
import type { InstanceEvent } from './platform.ts';

const NONE: readonly Instance[] = [];

/**
 * The platform's instances by function and by node, kept up to date by what it tells: thousands are asked
 * about one by one.
 */
export class InstanceIndex {
  readonly #byId = new Map<string, Instance>();
  readonly #byFunction = new InstanceLists();
  readonly #byNode = new InstanceLists();

  note({ type, instance }: InstanceEvent): void {
    const { id, functionName, node } = instance;
    const change = type === 'gone' ? undefined : instance;
    if (change === undefined) this.#byId.delete(id);
    else this.#byId.set(id, change);
    this.#byFunction.set(functionName, id, change);
    this.#byNode.set(node, id, change);
  }

  get all(): Iterable<Instance> {
    return this.#byId.values();
  }

  find(id: string): Instance | undefined {
    return this.#byId.get(id);
  }

  /** A function's instances; the same list until one of them changes. */
  of(functionName: string): readonly Instance[] {
    return this.#byFunction.of(functionName);
  }

  /** A node's instances; the same list until one of them changes. */
  on(node: string): readonly Instance[] {
    return this.#byNode.of(node);
  }

  /** Those that have, or had, instances. */
  get nodes(): Iterable<string> {
    return this.#byNode.keys;
  }
}

class InstanceLists {
  readonly #groups = new Map<string, Map<string, Instance>>();
  readonly #lists = new Map<string, readonly Instance[]>();

  get keys(): Iterable<string> {
    return this.#groups.keys();
  }

  set(key: string, id: string, instance: Instance | undefined): void {
    this.#lists.delete(key);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Map();
      this.#groups.set(key, group);
    }
    if (instance === undefined) group.delete(id);
    else group.set(id, instance);
  }

  of(key: string): readonly Instance[] {
    let list = this.#lists.get(key);
    if (list === undefined) {
      const group = this.#groups.get(key);
      list = group === undefined || group.size === 0 ? NONE : [...group.values()];
      this.#lists.set(key, list);
    }
    return list;
  }
}
