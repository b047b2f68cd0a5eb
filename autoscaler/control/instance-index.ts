import type { Instance, InstanceEvent } from '../platforms/platform.ts';

const NONE: readonly Instance[] = [];

/** The platform's instances by function, kept up to date by what it tells: thousands of functions are asked about one by one. */
export class InstanceIndex {
  readonly #byId = new Map<string, Instance>();
  readonly #byFunction = new Map<string, Map<string, Instance>>();
  readonly #lists = new Map<string, readonly Instance[]>();

  note({ type, instance }: InstanceEvent): void {
    const { id, functionName } = instance;
    this.#lists.delete(functionName);
    if (type === 'gone') {
      this.#byId.delete(id);
      this.#byFunction.get(functionName)?.delete(id);
      return;
    }
    this.#byId.set(id, instance);
    const group = this.#byFunction.get(functionName);
    if (group === undefined) this.#byFunction.set(functionName, new Map([[id, instance]]));
    else group.set(id, instance);
  }

  get all(): Iterable<Instance> {
    return this.#byId.values();
  }

  find(id: string): Instance | undefined {
    return this.#byId.get(id);
  }

  /** A function's instances; the same list until one of them changes. */
  of(functionName: string): readonly Instance[] {
    let list = this.#lists.get(functionName);
    if (list === undefined) {
      const group = this.#byFunction.get(functionName);
      list = group === undefined || group.size === 0 ? NONE : [...group.values()];
      this.#lists.set(functionName, list);
    }
    return list;
  }
}
