import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { InflessError } from '../../../models/base/errors.ts';
import type { InferenceResponse } from '../../../packager/server/instance-protocol.ts';
import type { AsyncCall } from './async-queue.ts';

/** What a call came to, as it is told to its callback. */
export interface CallResult extends Pick<InferenceResponse, 'status' | 'contentType' | 'headers' | 'body'> {
  readonly durationSeconds: string;
}

/** The callback has been asked and does not want it, or may not be asked: asking again will not help. */
export class CallbackRefused extends Error {}

const TIMEOUT_MS = 30_000;

/**
 * Addresses that no result is posted to, whoever asks for it: those of this link alone, where clouds tell
 * virtual machines their credentials, and where else they do.
 */
const DENIED = new BlockList();
DENIED.addSubnet('169.254.0.0', 16, 'ipv4');
DENIED.addSubnet('fe80::', 10, 'ipv6');
DENIED.addAddress('fd00:ec2::254', 'ipv6'); // AWS
DENIED.addAddress('100.100.100.200', 'ipv4'); // Alibaba Cloud
DENIED.addAddress('192.0.0.192', 'ipv4'); // Oracle Cloud

function isDenied(address: string): boolean {
  return DENIED.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Looks a name up when a connection is made, and lets none be made to what may not be asked: a name can be
 * made to stand for anything, and for something else the next time.
 *
 * @param resolve as `dns.lookup`
 */
export function guarded(resolve: typeof lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => !isDenied(address));
      if (allowed.length === 0) return callback(new CallbackRefused(refusalOf(hostname)), []);
      if (options.all === true) return callback(null, allowed);
      return callback(null, allowed[0]!.address, allowed[0]!.family);
    });
  };
}

function refusalOf(host: string): string {
  return `${host} is an address of this machine's link or of its cloud's metadata, which no result is posted to`;
}

const agent = new Agent({ connect: { lookup: guarded(lookup), timeout: 10_000 }, keepAliveTimeout: 4_000 });

/**
 * @param allowedHosts names and addresses that may be posted to; undefined: all that are not denied
 * @throws InflessError INVALID_INPUT for what is no address to post to, or is none that may be posted to
 */
export function checkCallbackUrl(url: string, allowedHosts?: ReadonlySet<string>): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new InflessError('INVALID_INPUT', `X-Callback-Url "${nameOf(url)}" is not an HTTP address`, {
      remedy: 'Give one like http://host:port/path.',
    });
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isDenied(host))
    throw new InflessError('INVALID_INPUT', `X-Callback-Url is refused: ${refusalOf(host)}`);
  if (allowedHosts !== undefined && !allowedHosts.has(host)) {
    throw new InflessError('INVALID_INPUT', `X-Callback-Url is refused: results are not posted to ${host}`, {
      remedy: 'Start the autoscaler with --allow-callback for it.',
    });
  }
}

/** What may be said of an address: neither its login nor its query, which may be one. */
export function nameOf(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/]*@/, '//').split('?', 1)[0]!;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/**
 * Posts a result with the headers that OpenFaaS' queue-worker sends. A redirect is not followed: it could
 * lead to where no result is posted to.
 *
 * @throws CallbackRefused for an answer that stays the same; anything else may pass
 */
export async function postResult(
  url: string,
  { id, address }: AsyncCall,
  { status, contentType, headers, body, durationSeconds }: CallResult,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  // A timer of our own: AbortSignal.timeout() inside AbortSignal.any() may be collected before it fires.
  const ending = new AbortController();
  const end = (): void => ending.abort(new Error('it was given up'));
  const timer = setTimeout(() => ending.abort(new Error(`it gave no answer for ${timeoutMs} ms`)), timeoutMs);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    const { statusCode, body: answer } = await request(withoutLogin(url), {
      dispatcher: agent,
      method: 'POST',
      headers: {
        ...headers,
        ...loginOf(url),
        'content-type': contentType,
        'x-call-id': id,
        'x-duration-seconds': durationSeconds,
        'x-function-name': address,
        'x-function-status': String(status),
      },
      body,
      signal: ending.signal,
    });
    await answer.dump();
    if (statusCode >= 200 && statusCode < 300) return;
    const what = `it answered ${statusCode}`;
    throw statusCode === 429 || statusCode >= 500 ? new Error(what) : new CallbackRefused(what);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

function withoutLogin(url: string): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

function loginOf(url: string): { readonly authorization?: string } {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}
