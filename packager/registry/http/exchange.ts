import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request as send } from 'undici';
import type { RegistryOptions } from '../options.ts';

/** One HTTP request to a registry, or to the service that gives out its tokens. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Readable | undefined;
  /** Ends this request alone, in place of the signal for all. */
  readonly signal?: AbortSignal | undefined;
}

/** Its answer. The body must be read or dumped, or the connection stays taken. */
export interface HttpResponse {
  readonly status: number;
  readonly body: Dispatcher.ResponseData['body'];
  header(name: string): string | undefined;
}

/** A registry in the cloud may copy a large blob before it answers the request that completes it. */
const HEADERS_TIMEOUT_MS = 300_000;
/** Longest silence within an answer. */
const BODY_TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 5;

/** Connections to one registry and its helpers, kept open between requests. */
export class Exchange {
  readonly #dispatcher: Dispatcher;
  readonly #signal: AbortSignal | null;
  readonly #answerTimeoutMs: number | undefined;

  /**
   * @param environment of which `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are heeded, but for this machine
   * itself
   * @param options.signal ends whatever is under way
   */
  constructor(
    origin: URL,
    environment: NodeJS.ProcessEnv,
    { signal, answerTimeoutMs }: Pick<RegistryOptions, 'signal' | 'answerTimeoutMs'> = {},
  ) {
    this.#signal = signal ?? null;
    this.#answerTimeoutMs = answerTimeoutMs;
    const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: BODY_TIMEOUT_MS };
    this.#dispatcher = isLoopback(origin)
      ? new Agent(timeouts)
      : new EnvHttpProxyAgent({ ...timeouts, ...proxiesOf(environment) });
  }

  /** Sends a request and follows redirects of GET and HEAD: registries keep their blobs elsewhere. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    let { url, headers } = request;
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#sendOnce({ ...request, url, headers });
      const location = redirectOf(request.method, response);
      if (location === undefined || redirects === MAX_REDIRECTS) return response;
      const next = new URL(location, url);
      if (url.protocol === 'https:' && next.protocol !== 'https:') return response;
      await response.body.dump();
      // What authorizes us here is none of another host's business, and storage refuses it.
      if (next.origin !== url.origin) headers = without(headers, 'authorization');
      url = next;
    }
  }

  async #sendOnce({ method, url, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
    const isQuestion = method === 'GET' || method === 'HEAD';
    const response = await send(url, {
      dispatcher: this.#dispatcher,
      ...(isQuestion && this.#answerTimeoutMs !== undefined ? { headersTimeout: this.#answerTimeoutMs } : {}),
      method,
      headers: { 'user-agent': 'infless-pack', ...headers },
      body: body ?? null,
      signal: signal ?? this.#signal,
    });
    // A stream that fails later tells whoever reads it; here no one may be reading any more.
    response.body.on('error', () => {});
    return {
      status: response.statusCode,
      body: response.body,
      header(name) {
        const value = response.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
    };
  }
}

/** Whether a host is this machine, so that no proxy and no eavesdropper is in between. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(url.hostname);
}

function proxiesOf(environment: NodeJS.ProcessEnv): EnvHttpProxyAgent.Options {
  return {
    // Empty, because undici would look into this process's environment for what is left out.
    httpProxy: environment.http_proxy ?? environment.HTTP_PROXY ?? '',
    httpsProxy: environment.https_proxy ?? environment.HTTPS_PROXY ?? '',
    noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
  };
}

function redirectOf(method: HttpRequest['method'], { status, header }: HttpResponse): string | undefined {
  const mayFollow = (method === 'GET' || method === 'HEAD') && [301, 302, 303, 307, 308].includes(status);
  return mayFollow ? header('location') : undefined;
}

function without(headers: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}
