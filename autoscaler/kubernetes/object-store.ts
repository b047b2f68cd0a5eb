import type { KubernetesObject } from '@kubernetes/client-node';

export interface StoreEvent<T> {
  readonly type: 'added' | 'changed' | 'removed';
  /** When it is removed: as it was last known. */
  readonly object: T;
}

/**
 * The objects of one query as of one resource version, whichever way news of them come and in whichever
 * order.
 */
export class ObjectStore<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #keep: (object: T) => T;
  readonly #tell: (event: StoreEvent<T>) => void;
  #resourceVersion = '';

  constructor(keep: (object: T) => T, tell: (event: StoreEvent<T>) => void) {
    this.#keep = keep;
    this.#tell = tell;
  }

  /** Up to which all is known. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  items(): readonly T[] {
    return [...this.#objects.values()];
  }

  get(name: string, namespace: string | undefined): T | undefined {
    return this.#objects.get(`${namespace ?? ''}/${name}`);
  }

  /**
   * All there are, as of a version: what is not among them is removed. Only what a write of ours brought in,
   * and is later than the list, outlives it. (Versions alone would not do: where a cluster is restored they
   * begin anew.)
   */
  replaceAll(objects: readonly T[], resourceVersion: string): void {
    const listed = new Map(objects.map((object) => [keyOf(object), object]));
    for (const [key, known] of this.#objects) {
      if (isNewer(versionOf(known), this.#resourceVersion) && isNewer(versionOf(known), resourceVersion)) {
        listed.delete(key);
      } else if (!listed.has(key)) this.#drop(key, known);
    }
    for (const object of listed.values()) this.#replace(object);
    this.#resourceVersion = resourceVersion;
  }

  put(object: T): void {
    this.#set(object);
    this.#advance(object);
  }

  remove(object: T): void {
    this.#advance(object);
    const key = keyOf(object);
    // One that took its name since, and that we know from our own write, stays.
    const known = this.#objects.get(key);
    if (known !== undefined && known.metadata?.uid === object.metadata?.uid)
      this.#drop(key, this.#keep(withoutManagedFields(object)));
  }

  bookmark(object: T): void {
    this.#advance(object);
  }

  /**
   * From the answer to a write. One from before what is known already is old news: it may have been deleted
   * since.
   */
  learn(object: T): void {
    if (isNewer(versionOf(object), this.#resourceVersion)) this.#set(object);
  }

  /** Unless it is known as new as that already. */
  #set(object: T): void {
    const known = this.#objects.get(keyOf(object));
    if (known === undefined || isNewer(versionOf(object), versionOf(known))) this.#replace(object);
  }

  #replace(object: T): void {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known !== undefined && versionOf(known) === versionOf(object)) return;
    const isSame = known !== undefined && known.metadata?.uid === object.metadata?.uid;
    if (known !== undefined && !isSame) this.#drop(key, known);
    const kept = this.#keep(withoutManagedFields(object));
    this.#objects.set(key, kept);
    this.#tell({ type: isSame ? 'changed' : 'added', object: kept });
  }

  #drop(key: string, object: T): void {
    if (this.#objects.delete(key)) this.#tell({ type: 'removed', object });
  }

  #advance(object: T): void {
    this.#resourceVersion = versionOf(object);
  }
}

/** Who owns which field is half of an object and of use to the server only. */
function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

function versionOf({ metadata }: KubernetesObject): string {
  return metadata?.resourceVersion ?? '';
}

/** Versions of one kind are numbers that grow (as Kubernetes 1.35 promises and all before it had it). */
function isNewer(version: string, than: string): boolean {
  return version.length === than.length ? version > than : version.length > than.length;
}
