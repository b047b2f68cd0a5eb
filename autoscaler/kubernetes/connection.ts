import type { KubeConfig } from '@kubernetes/client-node';
import { type Dispatcher, errors, request as httpRequest } from 'undici';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { ApiError, platformFailure } from './api-errors.ts';
import { Channels } from './channel.ts';
import { type ClusterAccess, loadKubeConfig } from './kube-config.ts';

/** A request to the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without query: `/api/v1/nodes`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body. Default `application/json`. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectionOptions extends ClusterAccess {
  /** Default: the service account's or the kubeconfig context's, else `infless`. */
  readonly namespace?: string | undefined;
  /** A stream that says nothing for so long is ended: its connection may be dead. Default 90 s. */
  readonly silenceMs?: number;
}

const DEFAULT_NAMESPACE = 'infless';
/** What the API server's audit log and its metrics call us. */
const USER_AGENT = 'infless-autoscaler';
/**
 * Where something happens in a cluster a watch hears at least a bookmark a minute; elsewhere asking again is
 * cheap.
 */
const DEFAULT_SILENCE_MS = 90_000;

/** An API server: sends requests and says in one error class what became of them. */
export class Connection {
  /** The one whose functions and instances are looked after. */
  readonly namespace: string;
  readonly server: string;
  readonly #channels: Channels;

  constructor(config: KubeConfig, namespace: string, silenceMs = DEFAULT_SILENCE_MS) {
    this.namespace = namespace;
    this.server = config.getCurrentCluster()?.server ?? '';
    this.#channels = new Channels(config, silenceMs);
  }

  /** @throws ApiError */
  async call<T>(request: ApiRequest): Promise<T> {
    const { body } = await this.#send(request, 'calls');
    try {
      return (await body.json()) as T;
    } catch (error) {
      throw this.#unanswered(request, error);
    }
  }

  /**
   * The lines of an answer that comes bit by bit, from when the server has accepted. They end when the server
   * ends them, or has said nothing for long: who wants more asks again.
   *
   * @throws ApiError here, or later from the lines
   */
  async stream(request: ApiRequest): Promise<AsyncIterable<string>> {
    const { body } = await this.#send(request, 'streams');
    return this.#guarded(request, linesOf(body));
  }

  async close(): Promise<void> {
    await this.#channels.close();
  }

  async *#guarded(request: ApiRequest, lines: AsyncIterable<string>): AsyncIterable<string> {
    try {
      yield* lines;
    } catch (error) {
      if (error instanceof errors.BodyTimeoutError) return;
      throw this.#unanswered(request, error);
    }
  }

  async #send(request: ApiRequest, over: 'calls' | 'streams'): Promise<Dispatcher.ResponseData> {
    const response = await this.#exchange(request, over);
    if (response.statusCode < 300) return response;
    throw await refusalOf(response);
  }

  async #exchange(request: ApiRequest, over: 'calls' | 'streams'): Promise<Dispatcher.ResponseData> {
    const { method, body, contentType = 'application/json', signal } = request;
    try {
      const channel = await this.#channels.open();
      return await httpRequest(this.#url(request), {
        dispatcher: channel[over],
        method,
        headers: {
          ...channel.headers,
          accept: 'application/json',
          'user-agent': USER_AGENT,
          ...(body === undefined ? {} : { 'content-type': contentType }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw this.#unanswered(request, error);
    }
  }

  #url({ path, query = {} }: ApiRequest): URL {
    const url = new URL(`${this.server.replace(/\/$/, '')}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  #unanswered({ signal }: ApiRequest, error: unknown): unknown {
    if (signal?.aborted) return error;
    return new ApiError(0, `${this.server} gives no answer (${messageOf(error)})`, { cause: error });
  }
}

/**
 * Connects to a cluster and makes sure that it answers.
 *
 * @throws InflessError INVALID_INPUT for an unusable kubeconfig, PLATFORM_FAILED when no cluster answers.
 */
export async function connect(options: ConnectionOptions = {}): Promise<Connection> {
  const config = await loadKubeConfig(options);
  const context = config.getContextObject(config.getCurrentContext() ?? '');
  const namespace = options.namespace ?? context?.namespace ?? DEFAULT_NAMESPACE;
  const connection = new Connection(config, namespace, options.silenceMs);
  try {
    if (!URL.canParse(connection.server)) throw noCluster();
    await connection.call({ method: 'GET', path: '/version' });
    return connection;
  } catch (error) {
    await connection.close();
    throw error instanceof InflessError ? error : unreachable(connection.server, error);
  }
}

function noCluster(): InflessError {
  return new InflessError('INVALID_INPUT', 'The kubeconfig names no cluster', {
    remedy: 'Give one that does with --kubeconfig, or choose a --context.',
  });
}

function unreachable(server: string, error: unknown): InflessError {
  if (!(error instanceof ApiError) || error.status !== 0) return platformFailure(`Cluster ${server}`, error);
  return new InflessError('PLATFORM_FAILED', `No cluster answers at ${server}: ${messageOf(error.cause)}`, {
    remedy: 'Check that it runs, or name another with --kubeconfig or --context.',
    cause: error,
  });
}

/** The API says what is wrong in an object of kind Status; what stands before it (a proxy) in any way. */
async function refusalOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await body.text().catch(() => '');
  const retryAfterS = Number(headers['retry-after'] ?? Number.NaN);
  const retryAfterMs = Number.isFinite(retryAfterS) ? retryAfterS * 1000 : undefined;
  const { message, reason = '' } = statusOf(text);
  return new ApiError(statusCode, message ?? `status ${statusCode}`, { reason, retryAfterMs });
}

function statusOf(text: string): { readonly message?: string; readonly reason?: string } {
  try {
    const { kind, message, reason } = JSON.parse(text) as Record<string, string>;
    if (kind === 'Status') return { ...(message ? { message } : {}), ...(reason ? { reason } : {}) };
  } catch {
    // not from the API itself
  }
  return text.trim() === '' ? {} : { message: text.trim().slice(0, 200) };
}

/**
 * Text that comes in pieces, by lines. What stands after the last line feed counts as a line, if it is
 * anything.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  // Pieces of one line are joined once: an object of a megabyte comes in many.
  let pieces: string[] = [];
  for await (const chunk of chunks) {
    const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n');
    pieces.push(first);
    for (const next of rest) {
      yield pieces.join('');
      pieces = [next];
    }
  }
  const last = pieces.join('') + decoder.decode();
  if (last !== '') yield last;
}
