import { z } from 'zod';
import type { Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import type { HttpRequest, HttpResponse } from '../http/exchange.ts';
import { refusalOf } from '../http/refusal.ts';
import { parseJson, readText } from '../http/response-body.ts';
import { parseChallenges } from './challenge.ts';
import type { Credentials } from './credential-helper.ts';
import { findCredentials } from './find-credentials.ts';

export interface AuthorizationOptions {
  readonly registry: string;
  /** The registry's own address; a token service may be no less safe. */
  readonly origin: URL;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  send(request: HttpRequest): Promise<HttpResponse>;
}

interface TokenService {
  readonly realm: URL;
  readonly service: string | undefined;
}

interface Token {
  readonly value: string;
  readonly expiresAtMs: number;
}

const tokenSchema = z
  .object({
    token: z.string().exactOptional(),
    access_token: z.string().exactOptional(),
    expires_in: z.number().positive().nullish(),
  })
  .refine((answer) => answer.token !== undefined || answer.access_token !== undefined);

/** What the specification of the token service says where the answer does not. */
const DEFAULT_LIFETIME_S = 60;
/** A token is renewed this long before its end, as a request takes time to arrive. */
const MARGIN_MS = 5000;

/**
 * Gets us past a registry's 401: with the user's password (Basic), or with tokens that a service of the
 * registry's gives out for what is to be done (Bearer). Tokens are kept as long as they are good.
 */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #method: 'none' | 'basic' | TokenService = 'none';
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /**
   * The `Authorization` header for these scopes (`repository:team/model:pull,push`), as far as one is asked
   * for.
   */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#method === 'none') return undefined;
    if (this.#method === 'basic') return basic(await this.#password());
    return `Bearer ${await this.#token(this.#method, scopes)}`;
  }

  /**
   * Learns from a 401 how to ask.
   *
   * @param used the header the registry did not accept
   * @throws InflessError REGISTRY_FAILED where we have nothing to offer
   */
  async learn(
    response: Pick<HttpResponse, 'header'>,
    scopes: readonly string[],
    used: string | undefined,
  ): Promise<void> {
    const challenges = parseChallenges(response.header('www-authenticate') ?? '');
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters;
    if (bearer) {
      this.#method = { realm: this.#realm(bearer.get('realm')), service: bearer.get('service') };
      await this.#forget(keyOf(scopes), used);
    } else if (challenges.some(({ scheme }) => scheme === 'basic')) {
      this.#method = 'basic';
    } else {
      throw this.#denied('It names no way of authorization that we know.');
    }
  }

  /** The sentence for a 401 after which nothing is left to try. */
  async refused(): Promise<InflessError> {
    const { registry } = this.#options;
    return (await this.#findCredentials())
      ? this.#denied(`Log in again (docker, podman, skopeo or oras login ${registry}).`)
      : this.#denied(`Log in first (docker, podman, skopeo or oras login ${registry}).`);
  }

  /** Takes a token out of use, unless another request has replaced it already. */
  async #forget(key: string, used: string | undefined): Promise<void> {
    const pending = this.#tokens.get(key);
    const token = await pending?.catch(() => undefined);
    if (`Bearer ${token?.value}` === used && this.#tokens.get(key) === pending) this.#tokens.delete(key);
  }

  async #password(): Promise<Extract<Credentials, { type: 'password' }>> {
    const credentials = await this.#findCredentials();
    if (credentials?.type === 'password') return credentials;
    throw await this.refused();
  }

  async #token(service: TokenService, scopes: readonly string[]): Promise<string> {
    const known = await (this.#tokens.get(keyOf(scopes)) ?? this.#renew(service, scopes));
    if (known.expiresAtMs - MARGIN_MS > this.#options.clock.nowMs()) return known.value;
    return (await this.#renew(service, scopes)).value;
  }

  /** Requests that come while a token is on its way wait for the same one. */
  #renew(service: TokenService, scopes: readonly string[]): Promise<Token> {
    const key = keyOf(scopes);
    const pending = this.#fetchToken(service, scopes);
    this.#tokens.set(key, pending);
    pending.catch(() => {
      if (this.#tokens.get(key) === pending) this.#tokens.delete(key);
    });
    return pending;
  }

  async #fetchToken(service: TokenService, scopes: readonly string[]): Promise<Token> {
    const { clock, registry, send } = this.#options;
    const credentials = await this.#findCredentials();
    const askedAtMs = clock.nowMs();
    const response = await send(tokenRequest(service, scopes, credentials));
    const text = await readText(response);
    if (response.status === 401 || response.status === 403) throw await this.refused();
    if (response.status !== 200) {
      const refusal = { status: response.status, retryAfter: response.header('retry-after'), text };
      throw refusalOf(refusal, registry, 'give a token', clock.nowMs());
    }
    const answer = tokenSchema.safeParse(parseJson(text));
    if (!answer.success) throw this.#denied(`Its token service ${service.realm.host} gives no token.`);
    const { token, access_token, expires_in } = answer.data;
    return {
      value: token ?? access_token ?? '',
      expiresAtMs: askedAtMs + (expires_in ?? DEFAULT_LIFETIME_S) * 1000,
    };
  }

  #realm(text: string | undefined): URL {
    const realm = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
    if (!realm) throw this.#denied('It names no token service.');
    if (realm.protocol !== 'https:' && this.#options.origin.protocol === 'https:') {
      throw this.#denied(`Its token service ${realm.host} would read the password without encryption.`);
    }
    return realm;
  }

  #findCredentials(): Promise<Credentials | undefined> {
    this.#credentials ??= findCredentials(this.#options.registry, this.#options.environment);
    return this.#credentials;
  }

  #denied(remedy: string): InflessError {
    return new InflessError('REGISTRY_FAILED', `Registry ${this.#options.registry} denies access (401)`, {
      remedy,
    });
  }
}

function tokenRequest(
  { realm, service }: TokenService,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): HttpRequest {
  if (credentials?.type === 'identity-token') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: credentials.token,
      client_id: 'infless-pack',
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    });
    return {
      method: 'POST',
      url: realm,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
    };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return { method: 'GET', url, headers: credentials ? { authorization: basic(credentials) } : {} };
}

function basic({ user, password }: Extract<Credentials, { type: 'password' }>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function keyOf(scopes: readonly string[]): string {
  return scopes.join(' ');
}

/** What a token must allow to read a repository, in the words of the token services. */
export function pullScopes(repository: string): readonly string[] {
  return [`repository:${repository}:pull`];
}

/** What a token must allow to write one, which is never done without looking first. */
export function pushScopes(repository: string): readonly string[] {
  return [`repository:${repository}:pull,push`];
}
