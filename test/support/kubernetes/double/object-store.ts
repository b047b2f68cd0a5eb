import type { ApiObject } from '../api-requests.ts';
import type { FieldManagers } from './field-managers.ts';

export interface StoredObject {
  readonly object: ApiObject;
  readonly managers: FieldManagers;
}

/** One write. `after` is absent for a removal. */
export interface Change {
  readonly revision: number;
  readonly storageKey: string;
  readonly before: ApiObject | undefined;
  readonly after: ApiObject | undefined;
}

/**
 * What etcd is to the API server: all objects, one revision that counts every write, and the writes since the
 * last compaction. Objects in it are never changed, only replaced.
 */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, StoredObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #revision = 1;
  #compactedRevision = 1;

  get revision(): number {
    return this.#revision;
  }

  /** Watches can't begin before this, nor can lists go on. */
  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  get(storageKey: string, objectKey: string): StoredObject | undefined {
    return this.#objects.get(storageKey)?.get(objectKey);
  }

  /** In the order of their keys. */
  list(storageKey: string): ApiObject[] {
    const found = [...(this.#objects.get(storageKey) ?? [])];
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { object }]) => object);
  }

  put(storageKey: string, objectKey: string, object: ApiObject, managers: FieldManagers): ApiObject {
    const revision = ++this.#revision;
    const managedFields = managers.entries;
    const metadata = { ...object.metadata, resourceVersion: String(revision), managedFields };
    const stored = { ...object, metadata };
    const before = this.get(storageKey, objectKey)?.object;
    const ofKind = this.#objects.get(storageKey) ?? new Map<string, StoredObject>();
    this.#objects.set(storageKey, ofKind);
    ofKind.set(objectKey, { object: stored, managers });
    this.#tell({ revision, storageKey, before, after: stored });
    return stored;
  }

  /** Returns the object as watchers are told of it: with the revision of its removal. */
  remove(storageKey: string, objectKey: string): ApiObject {
    const revision = ++this.#revision;
    const { object } = this.get(storageKey, objectKey)!;
    this.#objects.get(storageKey)!.delete(objectKey);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    this.#tell({ revision, storageKey, before: last, after: undefined });
    return last;
  }

  since(revision: number): readonly Change[] {
    return this.#history.filter((change) => change.revision > revision);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets the writes so far. */
  compact(): void {
    this.#history = [];
    this.#compactedRevision = this.#revision;
  }

  #tell(change: Change): void {
    this.#history.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}
