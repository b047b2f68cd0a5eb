import type { Readable } from 'node:stream';
import { type Clock, systemClock } from '../../models/base/clock.ts';
import { MAX_JSON_BYTES } from '../oci/schema.ts';
import { Authorization } from './auth/authorization.ts';
import { Exchange, type HttpRequest, type HttpResponse } from './http/exchange.ts';
import { networkFailureOf } from './http/network-failure.ts';
import { RetryBudget } from './http/patience.ts';
import { refusalOf } from './http/refusal.ts';
import { readText, readUpTo } from './http/response-body.ts';
import type { RegistryOptions } from './options.ts';

export interface RegistryRequest {
  readonly method: HttpRequest['method'];
  /** Absolute, or relative to the registry's address: `/v2/team/model/blobs/…`. */
  readonly url: URL | string;
  /** What a token must allow: `repository:team/model:pull`. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: () => Uint8Array | Readable;
  /** Statuses the caller understands; any other is a failure. */
  readonly expected: readonly number[];
  /** Ends this request alone; without it the registry's own does. */
  readonly signal?: AbortSignal;
  /** What is asked for, as it ends the sentence "Registry … would not …". */
  readonly deed: string;
}

/** An answer with its body, of which no more is read than the longest manifest allowed. */
export interface Answer extends Pick<HttpResponse, 'status' | 'header'> {
  readonly bytes: Buffer;
}

/** Docker Hub answers elsewhere than its name says. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** A registry as one talks to it: connections, authorization, failures in words, and patience. */
export class Registry {
  readonly host: string;
  readonly options: RegistryOptions;
  readonly #origin: URL;
  readonly #clock: Clock;
  readonly #exchange: Exchange;
  readonly #authorization: Authorization;
  #hasAnswered = false;

  /** @param host as in an image's name: `docker.io`, `registry.example:5000` */
  constructor(host: string, options: RegistryOptions = {}) {
    const environment = options.environment ?? process.env;
    this.host = host;
    this.options = options;
    this.#origin = new URL(`${options.insecure ? 'http' : 'https'}://${HOSTS[host] ?? host}`);
    this.#clock = options.clock ?? systemClock;
    this.#exchange = new Exchange(this.#origin, environment, options);
    this.#authorization = new Authorization({
      registry: host,
      origin: this.#origin,
      environment,
      clock: this.#clock,
      send: (request) => this.#exchange.send(request),
    });
  }

  patience(): RetryBudget {
    return new RetryBudget({
      clock: this.#clock,
      signal: this.options.signal,
      onProgress: this.options.onProgress,
      tries: this.options.tries,
    });
  }

  /**
   * Asks until there is an answer, and reads it whole. Only for what may be asked twice, with a short answer.
   *
   * @throws InflessError REGISTRY_FAILED and others that say what is wrong with the registry
   */
  async ask(request: RegistryRequest): Promise<Answer> {
    const patience = this.patience();
    for (;;) {
      try {
        return await this.askOnce(request);
      } catch (error) {
        await patience.after(error);
      }
    }
  }

  /** As {@link ask}, but what fails may be a TransientFailure. */
  async askOnce(request: RegistryRequest): Promise<Answer> {
    const response = await this.open(request);
    try {
      const bytes = await readUpTo(response.body, MAX_JSON_BYTES);
      return { status: response.status, header: response.header, bytes };
    } catch (error) {
      throw this.failureOf(error);
    }
  }

  /**
   * Asks once (twice where the first answer was how to be authorized) and leaves the answer's body to be
   * read, whose errors {@link failureOf} puts into words. What fails may be a TransientFailure.
   */
  async open(request: RegistryRequest): Promise<HttpResponse> {
    try {
      const response = await this.#authorized(request);
      this.#hasAnswered = true;
      if (request.expected.includes(response.status)) return response;
      const refusal = {
        status: response.status,
        retryAfter: response.header('retry-after'),
        text: await readText(response),
      };
      throw refusalOf(refusal, this.host, request.deed, this.#clock.nowMs());
    } catch (error) {
      throw this.failureOf(error);
    }
  }

  /** What an error from reading an answer's body means. */
  failureOf(error: unknown): unknown {
    return networkFailureOf(error, this.host, this.#hasAnswered);
  }

  /** Where an answer's `Location` leads; it may be relative. */
  locationOf(response: Pick<HttpResponse, 'header'>, base: URL | string): URL | undefined {
    const location = response.header('location');
    const from = this.#resolve(base).href;
    if (location === undefined || !URL.canParse(location, from)) return undefined;
    const url = new URL(location, from);
    // A registry behind a proxy that ends TLS may not know that it is reached through HTTPS.
    if (this.#origin.protocol === 'https:' && url.host === this.#origin.host) url.protocol = 'https:';
    return url;
  }

  async #authorized(request: RegistryRequest): Promise<HttpResponse> {
    const { scopes } = request;
    const url = this.#resolve(request.url);
    if (url.origin !== this.#origin.origin) return this.#send(request, url, undefined);

    const used = await this.#authorization.header(scopes);
    const response = await this.#send(request, url, used);
    if (response.status !== 401) return response;
    await response.body.dump();
    await this.#authorization.learn(response, scopes, used);
    const second = await this.#send(request, url, await this.#authorization.header(scopes));
    if (second.status !== 401) return second;
    await second.body.dump();
    throw await this.#authorization.refused();
  }

  #send(request: RegistryRequest, url: URL, authorization: string | undefined): Promise<HttpResponse> {
    const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
    const { method, body, signal } = request;
    return this.#exchange.send({ method, url, headers, body: body?.(), signal });
  }

  #resolve(url: URL | string): URL {
    return new URL(url, this.#origin);
  }
}
