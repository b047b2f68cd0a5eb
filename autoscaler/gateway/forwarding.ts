import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Agent, type Dispatcher } from 'undici';
import type { Cancel, Clock } from '../../models/base/clock.ts';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { protocolAt } from '../../models/protocols/index.ts';
import { hasBody } from '../../packager/server/http/body.ts';
import { sendContinue } from '../../packager/server/http/expectations.ts';
import { JUDGED_HEADERS } from './admin-guard/admin-guard.ts';

/**
 * On a request that another gateway has passed on: whoever gets it answers it, even if no leader itself by
 * now.
 */
export const FORWARDED_HEADER = 'x-infless-forwarded';

export interface ForwardingParts {
  /**
   * What gateways know that are peers, and no one else does: without it, anybody's word that a request has
   * been passed on is taken.
   */
  readonly peerSecret?: string;
  /** Where the gateway of the leader answers; undefined for the leader itself, or while none is known. */
  readonly leaderUrl: () => string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What the leader knows better: what is asked for tells it what is needed, and it alone changes functions.
 */
function isForLeader(target: string): boolean {
  if (/^\/(?:function|async-function|system|api)(?:[/?]|$)/.test(target)) return true;
  const path = target.split('?', 1)[0]!;
  return path !== '/' && protocolAt(path) !== undefined;
}

/**
 * Of one connection, not of the request or the answer (RFC 9110, 7.6.1); an expectation is met where it was
 * made.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const CONNECT_TIMEOUT_MS = 1_000;
/** A leader that could not be reached is left alone so long, lest every request waits for it. */
const SHUN_MS = 1_000;
/**
 * How long one that leads no more may still take to answer what it has. It may be frozen, or cut off: nothing
 * else would ever tell of that.
 */
const DEPOSED_MS = 10_000;
const LOOK_EVERY_MS = 1_000;

/**
 * Lets a gateway that does not lead pass requests on to the one that does. While that cannot be reached this
 * gateway answers by itself, with the instances it knows. Has to be called before routes are added.
 */
export function forwardToLeader(app: FastifyInstance, parts: ForwardingParts): void {
  const forwarding = new Forwarding(parts);
  app.addHook('onRequest', (request, reply) => forwarding.handle(request, reply));
  app.addHook('onClose', () => forwarding.close());
}

class Forwarding {
  readonly #parts: ForwardingParts;
  readonly #agent = new Agent({
    connectTimeout: CONNECT_TIMEOUT_MS,
    // shorter than gateways' own: no connection is used that the other side just closes
    keepAliveTimeout: 30_000,
    pipelining: 1,
    bodyTimeout: 0, // a log that is followed may say nothing for hours
  });
  #shunned: { readonly url: string; readonly untilMs: number } | undefined;

  /** What a request is marked with that is passed on. */
  readonly #token: string;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    const { peerSecret } = parts;
    this.#token =
      peerSecret === undefined
        ? '1'
        : createHmac('sha256', peerSecret).update(FORWARDED_HEADER).digest('hex');
  }

  /** Answers the request by passing it on, or leaves it to the routes. */
  async handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const leaderUrl = this.#leaderUrl;
    const isOurs = this.#isFromPeer(request) || !isForLeader(request.url);
    if (leaderUrl === undefined || isOurs) return undefined;
    const gone = new AbortController();
    const lost = new AbortController();
    const cancelWatch = this.#watch(leaderUrl, (reason) => lost.abort(reason));
    reply.raw.once('close', () => {
      cancelWatch();
      gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, lost.signal]);
    const body = new ForwardedBody(request.raw);
    try {
      const answer = await this.#exchange(leaderUrl, request, body, signal);
      return await reply.code(answer.statusCode).headers(endToEnd(answer.headers)).send(answer.body);
    } catch (error) {
      cancelWatch();
      if (gone.signal.aborted) return reply.hijack(); // no one is left to answer
      this.#shun(leaderUrl, error);
      if (!body.hasBegun) return undefined;
      throw new InflessError('UNAVAILABLE', 'The leading autoscaler was lost while it had this request', {
        remedy: 'Send it again.',
        details: { retryAfterMs: SHUN_MS },
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #isFromPeer({ headers }: FastifyRequest): boolean {
    const given = headers[FORWARDED_HEADER];
    if (given === undefined) return false;
    return timingSafeEqual(digestOf(String(given)), digestOf(this.#token));
  }

  get #leaderUrl(): string | undefined {
    const url = this.#parts.leaderUrl();
    const shunned = this.#shunned;
    const isShunned =
      shunned !== undefined && url === shunned.url && this.#parts.clock.nowMs() < shunned.untilMs;
    return isShunned ? undefined : url;
  }

  /** Tells once the leader has been none for long. */
  #watch(url: string, onDeposed: (reason: Error) => void): Cancel {
    const { leaderUrl, clock } = this.#parts;
    let deposedAtMs: number | undefined;
    let cancel: Cancel = () => {};
    const lookLater = (): void => {
      cancel = clock.at(clock.nowMs() + LOOK_EVERY_MS, look);
    };
    const look = (): void => {
      const nowMs = clock.nowMs();
      deposedAtMs = leaderUrl() === url ? undefined : (deposedAtMs ?? nowMs);
      if (deposedAtMs === undefined || nowMs < deposedAtMs + DEPOSED_MS) lookLater();
      else onDeposed(new Error('it leads no more, and gives no answer'));
    };
    lookLater();
    return () => cancel();
  }

  #shun(url: string, error: unknown): void {
    const { clock, logger } = this.#parts;
    this.#shunned = { url, untilMs: clock.nowMs() + SHUN_MS };
    logger.warn(
      { url, reason: messageOf(error) },
      'the leader cannot be reached: this gateway answers by itself',
    );
  }

  #exchange(
    leaderUrl: string,
    { method, url, headers, raw }: FastifyRequest,
    body: ForwardedBody,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    return this.#agent.request({
      origin: leaderUrl,
      path: url, // as it came: resolving it could make another path of it, which nothing here has judged
      method: method as Dispatcher.HttpMethod,
      headers: { ...withoutJudged(endToEnd(headers)), [FORWARDED_HEADER]: this.#token },
      ...(hasBody(raw) ? { body } : {}),
      signal,
    });
  }
}

/**
 * A request's body as it comes in. Nothing is taken from the request before somebody reads; what no one reads
 * is dropped.
 */
class ForwardedBody extends Readable {
  readonly #request: IncomingMessage;
  #hasBegun = false;

  constructor(request: IncomingMessage) {
    super();
    this.#request = request;
  }

  /** Whether any of it may be gone, so that no one else can read it whole. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  override _read(): void {
    if (!this.#hasBegun) this.#begin();
    this.#request.resume();
  }

  /** The request itself lives on: it is answered yet. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#hasBegun) this.#request.off('data', this.#onData).resume();
    callback(error);
  }

  #begin(): void {
    this.#hasBegun = true;
    sendContinue(this.#request);
    this.#request.on('data', this.#onData).once('end', () => this.push(null));
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#request.pause();
  };
}

/**
 * The leader has another name than the gateway that the client asked, and would take that for a foreign one.
 */
function withoutJudged(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !JUDGED_HEADERS.includes(name)));
}

type Headers = Record<string, string | string[]>;

/** Without those that `Connection` names, or that are of the connection by themselves. */
function endToEnd(headers: IncomingHttpHeaders): Headers {
  const named = String(headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !HOP_BY_HOP.has(name) && !named.includes(name),
  );
  return Object.fromEntries(kept) as Headers;
}

/** Of one length, whatever it is of. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
