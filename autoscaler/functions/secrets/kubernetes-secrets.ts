import type { V1Secret } from '@kubernetes/client-node';
import type { Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { isAlreadyExists, platformFailure } from '../../kubernetes/api-errors.ts';
import type { Connection } from '../../kubernetes/connection.ts';
import { SECRETS } from '../../kubernetes/kinds.ts';
import { ResourceClient } from '../../kubernetes/resource-client.ts';
import { withRetry } from '../../kubernetes/retry.ts';
import { checkSecret, type SecretStore, secretExists, secretNotFound } from './secret-store.ts';

const MANAGED_LABEL = 'app.kubernetes.io/managed-by';
const MANAGER = 'infless-autoscaler';

/**
 * Secrets as Secret objects of the namespace, one key each, named as the secret. Those that are not ours are
 * neither shown nor touched: there may be others' passwords beside.
 */
export class KubernetesSecrets implements SecretStore {
  readonly #client: ResourceClient<V1Secret>;
  readonly #clock: Clock;

  constructor(connection: Connection, clock: Clock) {
    this.#client = new ResourceClient(connection, SECRETS);
    this.#clock = clock;
  }

  async list(): Promise<readonly string[]> {
    const labelSelector = `${MANAGED_LABEL}=${MANAGER}`;
    const { items } = await this.#do('Secrets cannot be listed', () => this.#client.list({ labelSelector }));
    return items.map(({ metadata }) => metadata!.name!).sort();
  }

  async has(name: string): Promise<boolean> {
    const secret = await this.#do(`Secret "${name}" cannot be read`, () => this.#client.get(name));
    return secret !== undefined;
  }

  async create(name: string, value: Uint8Array): Promise<void> {
    checkSecret(name, value);
    await this.#do(`Secret "${name}" cannot be created`, async () => {
      try {
        await this.#client.create(secretOf(name, value));
      } catch (error) {
        throw isAlreadyExists(error) ? secretExists(name) : error;
      }
    });
  }

  async replace(name: string, value: Uint8Array): Promise<void> {
    const { metadata } = await this.#own(name);
    checkSecret(name, value);
    const { uid } = metadata!;
    await this.#do(`Secret "${name}" cannot be replaced`, () =>
      // The uid makes it a conflict where another one has taken the name since.
      this.#client.patch(name, { metadata: { uid }, ...contentOf(name, value) }),
    );
  }

  async remove(name: string): Promise<void> {
    const { metadata } = await this.#own(name);
    const { uid } = metadata!;
    await this.#do(`Secret "${name}" cannot be removed`, () => this.#client.delete(name, { uid }));
  }

  async #own(name: string): Promise<V1Secret> {
    const secret = await this.#do(`Secret "${name}" cannot be read`, () => this.#client.get(name));
    if (secret?.metadata?.labels?.[MANAGED_LABEL] === MANAGER) return secret;
    throw secretNotFound(name);
  }

  async #do<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await withRetry(this.#clock, work);
    } catch (error) {
      throw error instanceof InflessError ? error : platformFailure(what, error);
    }
  }
}

function secretOf(name: string, value: Uint8Array): V1Secret {
  return {
    metadata: { name, labels: { [MANAGED_LABEL]: MANAGER } },
    type: 'Opaque',
    ...contentOf(name, value),
  };
}

function contentOf(name: string, value: Uint8Array): Pick<V1Secret, 'data'> {
  return { data: { [name]: Buffer.from(value).toString('base64') } };
}
