import { Agent, request } from 'undici';
import { linesOf } from '../../../autoscaler/kubernetes/connection.ts';

export interface ApiAddress {
  readonly url: string;
  readonly token?: string;
  /** PEM of the authority that vouches for it; none without TLS. */
  readonly certificate?: string;
  /** In place of a token: PEM of the client's certificate, and of its key. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** An object as it is in JSON. Tests look into it as deep as they need. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: ApiObject;
}

export type Query = Readonly<Record<string, string | number | boolean>>;

export interface SendOptions {
  readonly query?: Query;
  readonly contentType?: string;
}

export const MERGE_PATCH = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** The API server said no: its `Status` object. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Plain requests of a test to an API server: no retries, nothing cached, answers as they are. */
export class ApiRequests {
  readonly #address: ApiAddress;
  readonly #agent: Agent;

  /**
   * @param connections are shared by all requests; default: one each, so that none is left that an outage has
   * broken
   */
  constructor(address: ApiAddress, connections?: number) {
    this.#address = address;
    const { certificate, client } = address;
    this.#agent = new Agent({
      ...(connections === undefined ? { pipelining: 0 } : { connections }),
      ...(certificate === undefined ? {} : { connect: { ca: certificate, ...client } }),
    });
  }

  /** @throws ApiRefusal for every status but 2xx */
  async send(method: string, path: string, body?: unknown, options: SendOptions = {}): Promise<ApiObject> {
    const text = await this.text(method, path, body, options);
    return (text.startsWith('{') ? JSON.parse(text) : { metadata: {} }) as ApiObject;
  }

  async text(method: string, path: string, body?: unknown, options: SendOptions = {}): Promise<string> {
    const response = await this.#request(method, path, options, body);
    const text = await response.body.text();
    if (response.statusCode < 300) return text;
    throw refusal(response.statusCode, text);
  }

  get(path: string, query: Query = {}): Promise<ApiObject> {
    return this.send('GET', path, undefined, { query });
  }

  async items(path: string, query: Query = {}): Promise<ApiObject[]> {
    const { items } = await this.get(path, query);
    return items as ApiObject[];
  }

  create(path: string, object: unknown): Promise<ApiObject> {
    return this.send('POST', path, object);
  }

  replace(path: string, object: unknown): Promise<ApiObject> {
    return this.send('PUT', path, object);
  }

  patch(path: string, patch: unknown, contentType = MERGE_PATCH, query: Query = {}): Promise<ApiObject> {
    return this.send('PATCH', path, patch, { contentType, query });
  }

  delete(path: string, options: Readonly<Record<string, unknown>> = {}): Promise<ApiObject> {
    return this.send('DELETE', path, options);
  }

  /** Until the server ends it or `signal` does. */
  async *watch(path: string, query: Query = {}, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await this.#request(
      'GET',
      path,
      { query: { ...query, watch: true } },
      undefined,
      signal,
    );
    if (response.statusCode >= 300) throw refusal(response.statusCode, await response.body.text());
    for await (const line of linesOf(response.body)) yield JSON.parse(line) as WatchEvent;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #request(
    method: string,
    path: string,
    { query = {}, contentType = 'application/json' }: SendOptions,
    body?: unknown,
    signal?: AbortSignal,
  ) {
    const { token, url: server } = this.#address;
    const url = new URL(path, server);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return request(url, {
      dispatcher: this.#agent,
      method: method as 'GET',
      headers: {
        'content-type': contentType,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
      bodyTimeout: 0,
    });
  }
}

function refusal(status: number, text: string): ApiRefusal {
  if (!text.startsWith('{')) return new ApiRefusal(status, '', text);
  const { reason = '', message = '' } = JSON.parse(text) as { reason?: string; message?: string };
  return new ApiRefusal(status, reason, message);
}
