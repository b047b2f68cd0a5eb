import { expect } from 'vitest';
import type { ApiObject, ApiRefusal, WatchEvent } from '../api-requests.ts';
import { type ApiServer, newNamespace } from '../api-server.ts';

/** What a test has: a server and, on it, a namespace of its own. */
export interface ApiPlace {
  readonly server: ApiServer;
  readonly namespace: string;
  /** Paths of the namespace's objects. */
  readonly pods: string;
  readonly leases: string;
}

/** What an API server is held to, real or not, is written against this. */
export class ApiContract {
  /** Undefined where there is none of its kind. */
  server: ApiServer | undefined;
  #place: ApiPlace | undefined;
  #watches: AbortController[] = [];

  get there(): ApiPlace {
    return this.#place!;
  }

  /** A namespace for the next test. */
  async enter(): Promise<void> {
    const server = this.server!;
    const namespace = await newNamespace(server);
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    this.#place = { server, namespace, pods, leases };
  }

  leave(): void {
    for (const watch of this.#watches.splice(0)) watch.abort();
  }

  /** Events from now on, asked for one by one. */
  watching(path: string, query: Record<string, string | number | boolean> = {}): () => Promise<WatchEvent> {
    const abort = new AbortController();
    this.#watches.push(abort);
    const events = this.there.server.requests.watch(path, query, abort.signal);
    return async () => {
      const next = await events.next();
      if (next.done) throw new Error('the watch has ended');
      return next.value;
    };
  }

  /** Of the pods that a query finds. */
  async names(query: Record<string, string | number>): Promise<(string | undefined)[]> {
    const { server, pods } = this.there;
    return (await server.requests.items(pods, query)).map(({ metadata }) => metadata.name);
  }
}

export function pod(name: string, labels: Record<string, string> = {}): ApiObject {
  return { metadata: { name, labels }, spec: { containers: [{ name: 'main', image: 'nothing:1' }] } };
}

export async function refusalOf(answer: Promise<unknown>): Promise<{ status: number; reason: string }> {
  const error = await answer.then(
    () => expect.fail('it was not refused'),
    (reason: ApiRefusal) => reason,
  );
  return { status: error.status, reason: error.reason };
}
