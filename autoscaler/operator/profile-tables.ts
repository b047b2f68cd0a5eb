import type { V1ConfigMap } from '@kubernetes/client-node';
import { InflessError } from '../../models/base/errors.ts';
import type { StoredTable } from '../../profiles/store.ts';
import { parseTable } from '../../profiles/table-file.ts';
import { parseProfileReference } from '../functions/profile-reference.ts';
import { platformFailure } from '../kubernetes/api-errors.ts';
import type { Connection } from '../kubernetes/connection.ts';
import { CONFIG_MAPS } from '../kubernetes/kinds.ts';
import { ResourceClient } from '../kubernetes/resource-client.ts';

/** Profile tables in ConfigMaps of the namespace. */
export class ProfileTables {
  readonly #client: ResourceClient<V1ConfigMap>;

  constructor(connection: Connection) {
    this.#client = new ResourceClient(connection, CONFIG_MAPS);
  }

  /**
   * @param reference `configmap:NAME/KEY`
   * @throws InflessError PROFILE_NOT_FOUND, PROFILE_INVALID, PLATFORM_FAILED
   */
  async read(reference: string): Promise<StoredTable> {
    const { name, key } = parseProfileReference(reference);
    const what = `Profile table "${key}" in ConfigMap ${this.#client.connection.namespace}/${name}`;
    const { data = {} } = (await this.#get(name, what)) ?? {};
    const text = data[key];
    if (text === undefined) {
      throw new InflessError('PROFILE_NOT_FOUND', `${what} does not exist`, {
        remedy: `Create it with: kubectl -n ${this.#client.connection.namespace} create configmap ${name} --from-file=${key}=TABLE.json`,
      });
    }
    return { file: reference, table: parseTable(text, what, 'Put a table of infless-profile there.') };
  }

  async #get(name: string, what: string): Promise<V1ConfigMap | undefined> {
    try {
      return await this.#client.get(name);
    } catch (error) {
      throw platformFailure(`${what} cannot be read`, error);
    }
  }
}
