import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '../api-requests.ts';
import { ApiFailure } from './api-failure.ts';
import {
  type FieldPath,
  fieldsV1,
  type ListTopology,
  leaves,
  merged,
  removeAt,
  valueAt,
} from './field-sets.ts';

/**
 * Who writes, and how: the same name applying and updating counts as two. The same name applying to an object
 * and to its status counts as one, as up to Kubernetes 1.21: with each it forgets what it said with the
 * other.
 */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
}

interface Ownership extends Writer {
  readonly apiVersion: string;
  readonly timeMs: number;
  /** Paths by their JSON. */
  readonly fields: ReadonlySet<string>;
}

/** The server's own fields, and the name: no one owns them. */
const UNOWNED_METADATA = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
  'generateName',
];

function ownable(object: ApiObject): Record<string, unknown> {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const kept = Object.entries(metadata).filter(([name]) => !UNOWNED_METADATA.includes(name));
  return kept.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(kept) };
}

function fieldsOf(object: ApiObject, lists: ListTopology): Map<string, unknown> {
  const found = Array.from(leaves(ownable(object), lists), ({ path, value }) => [
    JSON.stringify(path),
    value,
  ]);
  return new Map(found as [string, unknown][]);
}

function pathOf(key: string): FieldPath {
  return JSON.parse(key) as FieldPath;
}

/** Who owns which fields of one object. */
export class FieldManagers {
  readonly #owners: readonly Ownership[];

  constructor(owners: readonly Ownership[] = []) {
    this.#owners = owners;
  }

  /** As it is in `metadata.managedFields`. */
  get entries() {
    return this.#owners.map(({ manager, operation, apiVersion, timeMs, fields }) => ({
      manager,
      operation,
      apiVersion,
      time: new Date(timeMs).toISOString().replace(/\.\d+/, ''),
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsV1(Array.from(fields, pathOf)),
    }));
  }

  /**
   * After a write of another kind than apply: what was changed is the writer's, what was taken away is
   * no one's.
   */
  updated(
    writer: Writer,
    before: ApiObject | undefined,
    after: ApiObject,
    lists: ListTopology,
    timeMs: number,
  ): FieldManagers {
    const old = before === undefined ? new Map<string, unknown>() : fieldsOf(before, lists);
    const now = fieldsOf(after, lists);
    const changed = [...now].filter(
      ([key, value]) => !old.has(key) || !isDeepStrictEqual(old.get(key), value),
    );
    const taken = new Set(changed.map(([key]) => key));
    const left = this.#map(writer, (key, isOwn) => now.has(key) && (isOwn || !taken.has(key)));
    return taken.size === 0 ? left : left.#withMore(writer, taken, after.apiVersion!, timeMs);
  }

  /**
   * What an apply makes of an object: what it says, without what the same manager said before and says no
   * more.
   *
   * @throws ApiFailure 409 where another owns a field, unless forced
   */
  applied(
    writer: Writer,
    live: ApiObject | undefined,
    applied: ApiObject,
    lists: ListTopology,
    { force, timeMs }: { force: boolean; timeMs: number },
  ): { object: ApiObject; managers: FieldManagers } {
    const fields = fieldsOf(applied, lists);
    const isClaimed = (key: string): boolean =>
      fields.has(key) &&
      !isDeepStrictEqual(live && valueAt(live, pathOf(key)), valueAt(applied, pathOf(key)));
    const others = this.#owners.filter((owner) => !isSame(owner, writer));
    const conflicts = others.flatMap(({ manager, fields: owned }) =>
      [...owned].filter(isClaimed).map((key) => `conflict with "${manager}": ${shown(pathOf(key))}`),
    );
    if (conflicts.length > 0 && !force) {
      const count = conflicts.length === 1 ? '1 conflict' : `${conflicts.length} conflicts`;
      throw new ApiFailure(409, 'Conflict', `Apply failed with ${count}: ${conflicts.join(', ')}`);
    }
    // A copy: what is taken away below must not be taken from the live object as well.
    const object = merged(structuredClone(live ?? {}), applied, lists) as ApiObject;
    const previous = this.#owners.find((owner) => isSame(owner, writer))?.fields ?? new Set<string>();
    for (const key of previous) {
      if (!fields.has(key) && !others.some((owner) => owner.fields.has(key))) removeAt(object, pathOf(key));
    }
    const left = this.#map(writer, (key, isOwn) => !isOwn && !isClaimed(key));
    const apiVersion = applied.apiVersion!;
    return { object, managers: left.#withMore(writer, new Set(fields.keys()), apiVersion, timeMs) };
  }

  #map(writer: Writer, keeps: (key: string, isOwn: boolean) => boolean): FieldManagers {
    const owners = this.#owners.map((owner) => ({
      ...owner,
      fields: new Set([...owner.fields].filter((key) => keeps(key, isSame(owner, writer)))),
    }));
    return new FieldManagers(owners.filter(({ fields }) => fields.size > 0));
  }

  #withMore(
    { manager, operation }: Writer,
    more: ReadonlySet<string>,
    apiVersion: string,
    timeMs: number,
  ): FieldManagers {
    const own = this.#owners.find((owner) => isSame(owner, { manager, operation }));
    const fields = new Set([...(own?.fields ?? []), ...more]);
    return new FieldManagers([
      ...this.#owners.filter((owner) => owner !== own),
      { manager, operation, apiVersion, timeMs, fields },
    ]);
  }
}

function isSame(a: Writer, b: Writer): boolean {
  return a.manager === b.manager && a.operation === b.operation;
}

/** `.spec.containers[name="main"].image` */
function shown(path: FieldPath): string {
  return path
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`;
      if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
      const keys = Object.entries(JSON.parse(step.slice(2)) as Record<string, unknown>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}
