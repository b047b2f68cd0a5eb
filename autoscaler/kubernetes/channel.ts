import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

/** How an API server is reached and how it knows us. */
export interface Channel {
  readonly headers: Readonly<Record<string, string>>;
  /** Short requests: few connections, so that a burst queues here and does not run the server over. */
  readonly calls: Dispatcher;
  /** Requests that stay open: watches and logs. */
  readonly streams: Dispatcher;
}

interface Identity {
  readonly ca: unknown;
  readonly cert: unknown;
  readonly key: unknown;
  readonly rejectUnauthorized: boolean | undefined;
  readonly servername: string | undefined;
}

const CALL_CONNECTIONS = 16;
const CALL_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Opens channels as a kubeconfig says. Certificates and tokens that are renewed meanwhile are used from then
 * on.
 */
export class Channels {
  readonly #config: KubeConfig;
  readonly #silenceMs: number;
  #identity: Identity | undefined;
  #calls: Dispatcher | undefined;
  #streams: Dispatcher | undefined;

  /** @param silenceMs how long a stream may say nothing */
  constructor(config: KubeConfig, silenceMs: number) {
    this.#config = config;
    this.#silenceMs = silenceMs;
  }

  async open(): Promise<Channel> {
    const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
    await this.#config.applyToHTTPSOptions(options);
    const { ca, cert, key, rejectUnauthorized, servername, auth } = options;
    const identity = { ca, cert, key, rejectUnauthorized, servername };
    if (this.#calls === undefined || !isDeepStrictEqual(identity, this.#identity)) this.#renew(identity);
    const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
    return {
      headers: { ...(options.headers as Record<string, string> | undefined), ...basic },
      calls: this.#calls!,
      streams: this.#streams!,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#calls?.destroy(), this.#streams?.destroy()]);
  }

  #renew(identity: Identity): void {
    // What still runs over the old ones runs to its end.
    void this.#calls?.close();
    void this.#streams?.close();
    this.#identity = identity;
    this.#calls = this.#dispatcher({
      connections: CALL_CONNECTIONS,
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: CALL_TIMEOUT_MS,
    });
    this.#streams = this.#dispatcher({ headersTimeout: CALL_TIMEOUT_MS, bodyTimeout: this.#silenceMs });
  }

  #dispatcher(limits: Agent.Options): Dispatcher {
    const tls = this.#identity as object;
    const proxyUrl = this.#config.getCurrentCluster()?.proxyUrl;
    if (proxyUrl !== undefined) return new ProxyAgent({ ...limits, uri: proxyUrl, requestTls: tls });
    return new Agent({ ...limits, connect: { ...tls, timeout: CONNECT_TIMEOUT_MS } });
  }
}
