import type { Answer, RunningService } from './running-service.ts';

export const CREDENTIALS = { user: 'admin', password: 'pass:word' };

/** The requests that faas-cli sends for its commands, byte for byte but for the names. */
export class FaasCliRequests {
  readonly #service: RunningService;
  readonly #authorization: string;

  constructor(service: RunningService, credentials = CREDENTIALS) {
    this.#service = service;
    const { user, password } = credentials;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  system(method: string, path: string, body?: object): Promise<Answer> {
    return this.#service.request(method, path, body && JSON.stringify(body), {
      authorization: this.#authorization,
      'user-agent': 'faas-cli/0.16.10',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    });
  }

  /** `faas-cli deploy`: an update, and only where there is nothing to update a creation. */
  async deploy(deployment: object): Promise<readonly number[]> {
    const update = await this.system('PUT', '/system/functions', deployment);
    if (update.status !== 404) return [update.status];
    return [404, (await this.system('POST', '/system/functions', deployment)).status];
  }

  /** `faas-cli invoke`, which says that everything is text. */
  invoke(address: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#service.request('POST', `/function/${address}`, body, {
      'content-type': 'text/plain',
      ...headers,
    });
  }

  invokeAsync(
    address: string,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.#service.request('POST', `/async-function/${address}`, body, {
      'content-type': 'text/plain',
      ...headers,
    });
  }
}

/** One picture for mnist. */
export const PICTURE = JSON.stringify({
  instances: [Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]))],
});
