import type { KubernetesObject } from '@kubernetes/client-node';
import { ApiError, isNotFound } from './api-errors.ts';
import type { ApiRequest, Connection } from './connection.ts';

/** The autoscaler's name as the owner of fields it applies. */
export const FIELD_MANAGER = 'infless-autoscaler';

/**
 * Its name where it applies a status. Before Kubernetes 1.22, who applies both under one name is taken to
 * give up with each what it said with the other, and what it says no more of the object then stays for ever.
 */
export const STATUS_MANAGER = 'infless-autoscaler-status';

/** A kind of object, as the API's paths name it. */
export interface ResourceKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/**
 * Which objects are meant; default: all of the connection's namespace, or of the cluster where the kind has
 * none.
 */
export interface ResourceQuery {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly allNamespaces?: boolean;
}

export interface WatchEvent<T> {
  /** A bookmark's object has nothing but a resource version to go on from. */
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface DeleteOptions {
  /** Default: what the object itself says. */
  readonly graceSeconds?: number;
  /** Only the very object with this uid, not another one that has its name by now. */
  readonly uid?: string | undefined;
}

interface ObjectList<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}

const PAGE_SIZE = 500;
/** The server ends a watch after this; it is then taken up again where it was. */
const WATCH_SECONDS = 240;

/**
 * Objects of one kind in one namespace, or in the cluster where the kind has none. All methods throw
 * {@link ApiError}.
 */
export class ResourceClient<T extends KubernetesObject = KubernetesObject> {
  readonly kind: ResourceKind;
  readonly connection: Connection;

  constructor(connection: Connection, kind: ResourceKind) {
    this.connection = connection;
    this.kind = kind;
  }

  /** All of them, however many pages they take. */
  async list(query: ResourceQuery = {}): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    for (let page: string | undefined; ; ) {
      const { metadata, items: some } = await this.#call<ObjectList<T>>('GET', this.#collection(query), {
        query: { ...selectors(query), limit: PAGE_SIZE, continue: page },
      });
      for (const item of some) items.push({ ...this.#type, ...item });
      page = metadata.continue;
      if (!page) return { items, resourceVersion: metadata.resourceVersion ?? '' };
    }
  }

  /**
   * What changes from a version on, bookmarks included, until the signal or the end that the server sets.
   * Resolves when the server has accepted. Gone ({@link isGone}), now or from the events, means: list again.
   */
  async watch(
    resourceVersion: string,
    query: ResourceQuery = {},
    signal?: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent<T>>> {
    const lines = await this.connection.stream({
      method: 'GET',
      path: this.#collection(query),
      query: {
        ...selectors(query),
        watch: true,
        allowWatchBookmarks: true,
        timeoutSeconds: WATCH_SECONDS,
        resourceVersion,
      },
      signal,
    });
    return eventsOf<T>(lines);
  }

  /** Undefined when there is none. */
  async get(name: string): Promise<T | undefined> {
    try {
      return await this.#call<T>('GET', this.#path(name));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  create(object: T): Promise<T> {
    return this.#call('POST', this.#collection({}), { body: this.#complete(object) });
  }

  /**
   * Server-side apply: creates it, or makes it as said in what we own of it; `force` takes fields from other
   * owners.
   */
  apply(object: T, { force = false }: { readonly force?: boolean } = {}): Promise<T> {
    return this.#apply(this.#path(nameOf(object)), object, { fieldManager: FIELD_MANAGER, force });
  }

  /** The same for its status, which no one else writes. */
  applyStatus(object: T): Promise<T> {
    const path = `${this.#path(nameOf(object))}/status`;
    return this.#apply(path, object, { fieldManager: STATUS_MANAGER, force: true });
  }

  /** In place of the version that the object was read as; a conflict when that is not the latest. */
  replace(object: T): Promise<T> {
    return this.#call('PUT', this.#path(nameOf(object)), { body: this.#complete(object) });
  }

  /** A JSON merge patch: null takes a field away. */
  patch(
    name: string,
    mergePatch: object,
    { subresource }: { readonly subresource?: string } = {},
  ): Promise<T> {
    const path = this.#path(name);
    return this.#call('PATCH', subresource === undefined ? path : `${path}/${subresource}`, {
      query: { fieldManager: FIELD_MANAGER },
      body: mergePatch,
      contentType: 'application/merge-patch+json',
    });
  }

  /** Begins to delete it; one that is not there is deleted. */
  async delete(name: string, { graceSeconds, uid }: DeleteOptions = {}): Promise<void> {
    try {
      await this.#call('DELETE', this.#path(name), {
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
          ...(uid === undefined ? {} : { preconditions: { uid } }),
        },
      });
    } catch (error) {
      // 409: another object has the name now, so the one that was meant is gone.
      const isOther = uid !== undefined && error instanceof ApiError && error.status === 409;
      if (!isNotFound(error) && !isOther) throw error;
    }
  }

  get #type(): { readonly apiVersion: string; readonly kind: string } {
    const { group, version, kind } = this.kind;
    return { apiVersion: group === '' ? version : `${group}/${version}`, kind };
  }

  #complete(object: T): T {
    return { ...this.#type, ...object };
  }

  #collection({ allNamespaces = false }: ResourceQuery): string {
    const { group, version, plural, namespaced } = this.kind;
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const scope = namespaced && !allNamespaces ? `/namespaces/${this.connection.namespace}` : '';
    return `${root}${scope}/${plural}`;
  }

  #path(name: string): string {
    return `${this.#collection({})}/${encodeURIComponent(name)}`;
  }

  #apply(
    path: string,
    object: T,
    query: { readonly fieldManager: string; readonly force: boolean },
  ): Promise<T> {
    return this.#call('PATCH', path, {
      query,
      body: this.#complete(object),
      contentType: 'application/apply-patch+yaml', // JSON is YAML
    });
  }

  #call<R = T>(
    method: ApiRequest['method'],
    path: string,
    rest: Pick<ApiRequest, 'query' | 'body' | 'contentType'> = {},
  ): Promise<R> {
    return this.connection.call({ method, path, ...rest });
  }
}

async function* eventsOf<T>(lines: AsyncIterable<string>): AsyncIterable<WatchEvent<T>> {
  for await (const line of lines) {
    const event = parseEvent<T>(line);
    if (event.type === 'ERROR') {
      const { code = 500, message = 'the watch failed', reason = '' } = event.object;
      throw new ApiError(code, message, { reason });
    }
    yield event;
  }
}

type RawEvent<T> =
  | WatchEvent<T>
  | {
      readonly type: 'ERROR';
      readonly object: { readonly code?: number; readonly message?: string; readonly reason?: string };
    };

function parseEvent<T>(line: string): RawEvent<T> {
  try {
    return JSON.parse(line) as RawEvent<T>;
  } catch (error) {
    // A connection that broke in the middle of a line.
    throw new ApiError(0, 'the watch broke off', { cause: error });
  }
}

function selectors({ labelSelector, fieldSelector }: ResourceQuery): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}

function nameOf({ metadata }: KubernetesObject): string {
  if (metadata?.name === undefined) throw new Error('an object without a name cannot be addressed');
  return metadata.name;
}
