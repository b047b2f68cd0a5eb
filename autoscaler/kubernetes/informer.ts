import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { type Clock, pause } from '../../models/base/clock.ts';
import { messageOf } from '../../models/base/errors.ts';
import { isGone, isTransient } from './api-errors.ts';
import { ObjectStore, type StoreEvent } from './object-store.ts';
import type { ResourceClient, ResourceQuery } from './resource-client.ts';
import { backoffMs } from './retry.ts';

/** A watch that ends after that was in order, though there was nothing to tell. */
const LASTING_MS = 10_000;

export type InformerEvent<T> = StoreEvent<T>;

export interface InformerOptions<T> {
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * What is kept of an object, where most of it is of no use. Name, namespace, uid and resource version must
   * stay.
   */
  readonly keep?: (object: T) => T;
  readonly random?: () => number;
}

/**
 * Knows all objects of a query and tells what changes: lists them once, then watches. A watch that ends is
 * taken up where it was; where the server does not remember that far, all are listed again and the difference
 * is told. While the API cannot be reached everything stays as it was last known.
 */
export class Informer<T extends KubernetesObject> {
  readonly #client: ResourceClient<T>;
  readonly #query: ResourceQuery;
  readonly #options: InformerOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly #listeners = new Set<(event: InformerEvent<T>) => void>();
  readonly #stop = new AbortController();
  #isListed = false;
  #isCurrent = false;
  /** Attempts in a row that brought nothing. */
  #failures = 0;

  constructor(client: ResourceClient<T>, query: ResourceQuery, options: InformerOptions<T>) {
    this.#client = client;
    this.#query = query;
    this.#options = options;
    this.#store = new ObjectStore(options.keep ?? ((object) => object), (event) => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  /** Whether the watch is up, so that what is known is what there is. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /**
   * Resolves once all objects are known; listeners have then been told of each.
   *
   * @throws ApiError when the first list is refused for good; an API that is away is waited for.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#run(resolve, reject);
    });
  }

  items(): readonly T[] {
    return this.#store.items();
  }

  /** By name; `namespace` only for queries over all of them. */
  get(name: string, namespace?: string): T | undefined {
    const { kind, connection } = this.#client;
    return this.#store.get(name, namespace ?? (kind.namespaced ? connection.namespace : undefined));
  }

  /** Returns what ends it. */
  onEvent(listener: (event: InformerEvent<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes in what a write of ours was answered with: no one has to wait for the watch to bring it. */
  learn(object: T): void {
    this.#store.learn(object);
  }

  /** No event comes from now on. */
  stop(): void {
    this.#stop.abort();
    this.#listeners.clear();
    this.#isCurrent = false;
  }

  async #run(onListed: () => void, onRefused: (error: unknown) => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (!this.#isListed) await this.#list();
        onListed();
        await this.#watch();
      } catch (error) {
        if (signal.aborted) break;
        if (isGone(error)) this.#isListed = false;
        else if (this.#store.resourceVersion === '' && !isTransient(error)) return onRefused(error);
        else this.#warn(error);
      }
      this.#isCurrent = false;
      this.#failures += 1;
      await pause(this.#options.clock, backoffMs(this.#failures, this.#options.random), signal);
    }
    onListed(); // no one must wait for what was stopped
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#client.list(this.#query);
    if (this.#stop.signal.aborted) return;
    this.#isListed = true;
    this.#store.replaceAll(items, resourceVersion);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const events = await this.#client.watch(this.#store.resourceVersion, this.#query, signal);
    this.#isCurrent = true;
    const { clock } = this.#options;
    const acceptedAtMs = clock.nowMs();
    for await (const { type, object } of events) {
      if (signal.aborted) return;
      this.#failures = 0;
      if (type === 'BOOKMARK') this.#store.bookmark(object);
      else if (type === 'DELETED') this.#store.remove(object);
      else this.#store.put(object);
    }
    if (clock.nowMs() - acceptedAtMs > LASTING_MS) this.#failures = 0;
  }

  #warn(error: unknown): void {
    const { logger } = this.#options;
    const about = { kind: this.#client.kind.kind, failures: this.#failures + 1 };
    logger.warn(about, `watching goes on later: ${messageOf(error)}`);
  }
}
