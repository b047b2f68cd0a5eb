import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from '../../../models/base/clock.ts';
import { messageOf } from '../../../models/base/errors.ts';
import type { Connection } from '../connection.ts';
import { Informer } from '../informer.ts';
import { ResourceClient } from '../resource-client.ts';
import type { LeaseAccess } from './leadership.ts';
import { LEASES, type Lease } from './lease.ts';

/** The lease of a name in the connection's namespace; it need not exist. */
export class WatchedLease implements LeaseAccess {
  readonly #client: ResourceClient<Lease>;
  readonly #name: string;
  readonly #parts: { readonly clock: Clock; readonly logger: Logger };

  constructor(connection: Connection, name: string, parts: { clock: Clock; logger: Logger }) {
    this.#client = new ResourceClient(connection, LEASES);
    this.#name = name;
    this.#parts = parts;
  }

  get(): Promise<Lease | undefined> {
    return this.#client.get(this.#name);
  }

  create(lease: Lease): Promise<Lease> {
    return this.#client.create(lease);
  }

  replace(lease: Lease): Promise<Lease> {
    return this.#client.replace(lease);
  }

  onChange(listener: (lease: Lease | undefined) => void): () => void {
    const query = { fieldSelector: `metadata.name=${this.#name}` };
    const informer = new Informer(this.#client, query, this.#parts);
    informer.onEvent(({ type, object }) => listener(type === 'removed' ? undefined : object));
    informer.start().catch((error: unknown) => {
      this.#parts.logger.error({ reason: messageOf(error) }, 'the lease of the leader cannot be watched');
    });
    return () => informer.stop();
  }
}

/**
 * A name that no other process has, nor this one's next life: the pod's, which the host is called by, and
 * chance.
 */
export function newIdentity(): string {
  return `${hostname()}_${randomUUID()}`;
}
