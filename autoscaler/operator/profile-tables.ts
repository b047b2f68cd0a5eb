import type { V1ConfigMap } from '@kubernetes/client-node';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import type { StoredTable } from '../../profiles/store.ts';
import { profileTableSchema } from '../../profiles/table.ts';
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
    const boundary = {
      what,
      code: 'PROFILE_INVALID',
      remedy: 'Put a table of infless-profile there.',
    } as const;
    return { file: reference, table: parseWith(profileTableSchema, parseJson(text, boundary), boundary) };
  }

  async #get(name: string, what: string): Promise<V1ConfigMap | undefined> {
    try {
      return await this.#client.get(name);
    } catch (error) {
      throw platformFailure(`${what} cannot be read`, error);
    }
  }
}

function parseJson(
  text: string,
  { what, code, remedy }: { what: string; code: 'PROFILE_INVALID'; remedy: string },
): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InflessError(code, `${what} is not JSON (${messageOf(error)})`, { remedy, cause: error });
  }
}
