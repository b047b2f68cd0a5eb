import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '../api-requests.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  MODIFIED,
  notFound,
  qualified,
} from './api-failure.ts';
import { FieldManagers, type Writer } from './field-managers.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { apiVersionOf, type ResourceType, storageKey } from './resource-types.ts';

/** Objects of one kind in one namespace, or of all where the kind has none. */
export interface Place {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
}

export interface Write extends Writer {
  /** Which part of the object it may change: `status`, or all else. */
  readonly subresource: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** The server keeps these as they are, whatever a write sends. */
const KEPT_METADATA = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'generateName',
] as const;

/** What can be done with objects, by the rules of their kinds; it knows nothing of HTTP. */
export class Resources {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  get(place: Place, name: string): ApiObject {
    return this.#stored(place, name).object;
  }

  /** @param managersOf who owns what of the new object, if not the write all of it */
  create(
    place: Place,
    sent: ApiObject,
    write: Write,
    managersOf = (object: ApiObject): FieldManagers =>
      new FieldManagers().updated(write, undefined, object, place.type.lists, Date.now()),
  ): ApiObject {
    const { type, namespace } = place;
    const { generateName, ...metadata } = sent.metadata;
    const name =
      metadata.name ?? (generateName && `${generateName}${randomBytes(3).toString('hex').slice(1)}`);
    if (typeof name !== 'string' || name === '')
      throw invalid(kindOf(type), '', ['metadata.name: Required value: name or generateName is required']);
    if (!/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(name))
      throw invalid(kindOf(type), name, [
        `metadata.name: Invalid value: ${JSON.stringify(name)}: a DNS-1123 subdomain`,
      ]);
    if (namespace !== undefined && (metadata.namespace ?? namespace) !== namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    if (namespace !== undefined && this.#store.get('/namespaces', namespace) === undefined)
      throw notFound({ group: '', plural: 'namespaces' }, namespace);
    if (this.#find(place, name) !== undefined) throw alreadyExists(type, name);
    const object: ApiObject = structuredClone({
      ...sent,
      metadata: {
        ...metadata,
        ...(generateName === undefined ? {} : { generateName }),
        name,
        ...(namespace === undefined ? {} : { namespace }),
        uid: randomUUID(),
        creationTimestamp: now(),
        ...(type.countsGenerations ? { generation: 1 } : {}),
      },
    });
    if (type.subresources.includes('status')) delete object.status;
    this.#admit(type, object, undefined);
    return this.#store.put(storageKey(type), keyOf(place, name), object, managersOf(object));
  }

  replace(place: Place, name: string, sent: ApiObject, write: Write): ApiObject {
    const { type } = place;
    if (type.createsOnReplace && this.#find(place, name) === undefined) {
      const { uid, resourceVersion } = sent.metadata;
      if (uid === undefined && resourceVersion === undefined) return this.create(place, sent, write);
      throw conflict(type, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: `);
    }
    const live = this.#stored(place, name);
    if ((sent.metadata.name ?? name) !== name)
      throw badRequest(
        `the name of the object (${sent.metadata.name}) does not match the name on the URL (${name})`,
      );
    if (type.needsResourceVersion && (sent.metadata.resourceVersion ?? '') === '')
      throw invalid(qualified(type), name, [
        'metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
      ]);
    return this.#write(place, live, sent, write);
  }

  /** @param change makes the new object of the old one */
  patch(place: Place, name: string, change: (live: ApiObject) => ApiObject, write: Write): ApiObject {
    const live = this.#stored(place, name);
    return this.#write(place, live, change(structuredClone(live.object)), write);
  }

  apply(place: Place, name: string, sent: ApiObject, write: Write, force: boolean): ApiObject {
    const { type } = place;
    const live = this.#find(place, name);
    if (sent.apiVersion === undefined || sent.kind === undefined)
      throw badRequest('an applied object must have apiVersion and kind');
    if (sent.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    const { status, ...rest } = sent;
    const wanted: ApiObject = structuredClone(
      write.subresource === 'status'
        ? { apiVersion: sent.apiVersion, kind: sent.kind, metadata: {}, status }
        : type.subresources.includes('status')
          ? rest
          : sent,
    ) as ApiObject;
    const { resourceVersion } = sent.metadata;
    const options = { force, timeMs: Date.now() };
    if (live === undefined) {
      if (write.subresource !== '') throw notFound(type, name);
      const named = { ...wanted, metadata: { ...wanted.metadata, name } };
      const { managers } = new FieldManagers().applied(write, undefined, wanted, type.lists, options);
      return this.create(place, named, write, () => managers);
    }
    const { object, managers } = live.managers.applied(write, live.object, wanted, type.lists, options);
    object.metadata = defined({ ...object.metadata, resourceVersion });
    return this.#write(place, live, object, write, managers);
  }

  /** Returns the object as it is told of: gone, or on its way. */
  delete(place: Place, name: string, options: DeleteOptions): ApiObject {
    const { type } = place;
    const live = this.#stored(place, name);
    const { uid, resourceVersion, finalizers } = live.object.metadata;
    const { preconditions = {} } = options;
    if (preconditions.uid !== undefined && preconditions.uid !== uid)
      throw conflict(
        type,
        name,
        `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`,
      );
    if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion)
      throw conflict(type, name, MODIFIED);
    const graceSeconds = graceOf(type, live.object, options.gracePeriodSeconds);
    const hasFinalizers = Array.isArray(finalizers) && finalizers.length > 0;
    if (graceSeconds === 0 && !hasFinalizers) return this.#store.remove(storageKey(type), keyOf(place, name));
    const already = live.object.metadata.deletionGracePeriodSeconds;
    if (typeof already === 'number' && already <= graceSeconds) return live.object;
    const metadata = {
      ...live.object.metadata,
      deletionTimestamp: now(graceSeconds),
      deletionGracePeriodSeconds: graceSeconds,
    };
    return this.#store.put(storageKey(type), keyOf(place, name), { ...live.object, metadata }, live.managers);
  }

  /** Puts a pod on a node, as the scheduler does. */
  bind(place: Place, name: string, nodeName: string): void {
    const { object, managers } = this.#stored(place, name);
    const spec = object.spec as { nodeName?: string };
    if (spec.nodeName !== undefined)
      throw conflict(
        { group: '', plural: 'pods/binding' },
        name,
        `pod ${name} is already assigned to node "${spec.nodeName}"`,
      );
    const status = object.status as { conditions?: object[] };
    const scheduled = {
      type: 'PodScheduled',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: now(),
    };
    const bound = {
      ...object,
      spec: { ...spec, nodeName },
      status: { ...status, conditions: [...(status.conditions ?? []), scheduled] },
    };
    this.#store.put(storageKey(place.type), keyOf(place, name), bound, managers);
  }

  #write(
    place: Place,
    live: StoredObject,
    sent: ApiObject,
    write: Write,
    appliedManagers?: FieldManagers,
  ): ApiObject {
    const { type } = place;
    const { metadata } = live.object;
    const name = metadata.name!;
    const { resourceVersion, uid } = sent.metadata;
    if ((resourceVersion ?? '') !== '' && resourceVersion !== metadata.resourceVersion)
      throw conflict(type, name, MODIFIED);
    if (uid !== undefined && uid !== metadata.uid)
      throw conflict(
        type,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
      );
    const object = structuredClone(withOwnFields(type, live.object, sent, write.subresource));
    this.#admit(type, object, live.object);
    if (type.countsGenerations && !isDeepStrictEqual(substance(object), substance(live.object)))
      object.metadata.generation = (metadata.generation ?? 0) + 1;
    const managers =
      appliedManagers ?? live.managers.updated(write, live.object, object, type.lists, Date.now());
    const { deletionTimestamp, finalizers } = object.metadata;
    if (deletionTimestamp !== undefined && metadata.finalizers !== undefined && !hasItems(finalizers))
      return this.#store.remove(storageKey(type), keyOf(place, name));
    const isSame =
      isDeepStrictEqual(comparable(object), comparable(live.object)) &&
      isDeepStrictEqual(managers.entries.map(withoutTime), live.managers.entries.map(withoutTime));
    return isSame ? live.object : this.#store.put(storageKey(type), keyOf(place, name), object, managers);
  }

  #admit(type: ResourceType, object: ApiObject, live: ApiObject | undefined): void {
    const apiVersion = apiVersionOf(type);
    if ((object.apiVersion ?? apiVersion) !== apiVersion || (object.kind ?? type.kind) !== type.kind)
      throw badRequest(
        `the object provided is unrecognized: ${object.apiVersion} ${object.kind}, expected ${apiVersion} ${type.kind}`,
      );
    object.apiVersion = apiVersion;
    object.kind = type.kind;
    type.admit(object, live);
  }

  #find(place: Place, name: string): StoredObject | undefined {
    return this.#store.get(storageKey(place.type), keyOf(place, name));
  }

  #stored(place: Place, name: string): StoredObject {
    const found = this.#find(place, name);
    if (found === undefined) throw notFound(place.type, name);
    return found;
  }
}

/**
 * What is written keeps what is the server's; by way of `/status` only the status changes, else all but the
 * status.
 */
function withOwnFields(type: ResourceType, live: ApiObject, sent: ApiObject, subresource: string): ApiObject {
  const kept = Object.fromEntries(KEPT_METADATA.map((field) => [field, live.metadata[field]]));
  const { status: liveStatus, ...rest } = live;
  const { managedFields: _managedFields, ...sentMetadata } = sent.metadata;
  if (subresource === 'status') {
    const metadata = { ...live.metadata, ...kept };
    return { ...rest, metadata, ...(sent.status === undefined ? {} : { status: sent.status }) };
  }
  const object: ApiObject = { ...sent, metadata: defined({ ...sentMetadata, ...kept }) };
  if (!type.subresources.includes('status')) return object;
  const { status: _status, ...withoutStatus } = object;
  return { ...withoutStatus, ...(liveStatus === undefined ? {} : { status: liveStatus }) } as ApiObject;
}

function defined(fields: Record<string, unknown>): ApiObject['metadata'] {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A pod that no kubelet has, or that has ended, is gone at once. */
function graceOf({ group, kind }: ResourceType, object: ApiObject, asked: number | undefined): number {
  if (group !== '' || kind !== 'Pod') return 0;
  const { nodeName, terminationGracePeriodSeconds = 30 } = object.spec as {
    nodeName?: string;
    terminationGracePeriodSeconds?: number;
  };
  const { phase } = object.status as { phase?: string };
  if (nodeName === undefined || phase === 'Succeeded' || phase === 'Failed') return 0;
  return asked ?? terminationGracePeriodSeconds;
}

/** What generations count changes of. */
function substance({ metadata: _metadata, status: _status, ...rest }: ApiObject): unknown {
  return rest;
}

function comparable(object: ApiObject): unknown {
  const { resourceVersion: _resourceVersion, managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata: defined(metadata) };
}

function withoutTime({ time: _time, ...entry }: FieldManagers['entries'][number]): unknown {
  return entry;
}

function hasItems(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function kindOf({ group, kind }: ResourceType): string {
  return group === '' ? kind : `${kind}.${group}`;
}

function keyOf({ namespace }: Place, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Kubernetes' `Time` has whole seconds. */
function now(aheadSeconds = 0): string {
  return new Date(Date.now() + aheadSeconds * 1000).toISOString().replace(/\.\d+/, '');
}
