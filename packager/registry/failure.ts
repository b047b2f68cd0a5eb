import { errors } from 'undici';
import { z } from 'zod';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { TransientFailure } from './patience.ts';
import { parseJson } from './response-body.ts';

/** The part of an answer that tells why a request was refused. */
export interface Refusal {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The first kilobytes of the body. */
  readonly text: string;
}

/** How registries explain themselves (distribution specification, "Error Codes"). */
const explanationSchema = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().nullish() })).min(1),
});

const BUSY_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * What a registry's refusal means.
 *
 * @param deed what was asked of it, as it ends "would not …": `store blob sha256:…`
 * @param now milliseconds since the epoch, for a `Retry-After` that is a date
 */
export function refusalOf(refusal: Refusal, registry: string, deed: string, nowMs: number): Error {
  const { status, text } = refusal;
  const explanation = explain(text);
  const said = explanation ? `${status}, ${explanation.words}` : `${status}`;
  const what = `Registry ${registry} would not ${deed} (${said})`;
  if (BUSY_STATUSES.has(status)) {
    const remedy =
      status === 429
        ? 'It limits how often it is asked: wait, or log in for a higher limit.'
        : "Try again; what has arrived is kept. If it stays so, the registry's log says why.";
    return new TransientFailure(
      new InflessError('REGISTRY_FAILED', what, { remedy }),
      waitOf(refusal.retryAfter, nowMs),
    );
  }
  if (explanation?.code === 'DIGEST_INVALID') {
    return new InflessError('IMAGE_CORRUPT', what, {
      remedy: 'The content changed while it was pushed, or was damaged on the way: pack it again.',
    });
  }
  return new InflessError('REGISTRY_FAILED', what, { remedy: remedyOf(status) });
}

function remedyOf(status: number): string {
  if (status === 401 || status === 403) {
    return 'Check that the user you have logged in as may use this repository.';
  }
  if (status === 404) return 'Check the name of the repository, and whether it must be created first.';
  if (status === 413)
    return 'Raise the limit for the size of a request in the registry, or in the proxy before it.';
  return 'Check that this is the address of a registry.';
}

/** Connection failures that pass by themselves; those a person must mend do not. */
const BROKEN_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ENOTFOUND: 'is unknown: there is no such host',
  EAI_AGAIN: 'cannot be looked up',
  HTTP: 'does not speak HTTP',
  EPROTO: 'does not speak HTTPS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak HTTPS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak HTTPS',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'does not answer',
  UND_ERR_BODY_TIMEOUT: 'has stopped sending',
};

/**
 * What an error below HTTP means; one that is not of the network (the file that is being sent cannot be read) is
 * given back as it is.
 *
 * @param isKnown whether the registry has answered before: then it is being restarted rather than misspelt
 */
export function networkFailureOf(error: unknown, registry: string, isKnown: boolean): unknown {
  const code = error instanceof errors.HTTPParserError ? 'HTTP' : systemCode(error);
  if (code === undefined) return error;
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return new InflessError('IMAGE_CORRUPT', 'A file changed its size while it was pushed', {
      remedy: 'Pack the image again.',
      cause: error,
    });
  }
  if (isCertificateCode(code)) {
    return new InflessError(
      'REGISTRY_FAILED',
      `Registry ${registry} shows a certificate that is not trusted (${code})`,
      { remedy: 'Name the file of its authority in NODE_EXTRA_CA_CERTS.', cause: error },
    );
  }
  const isBroken = BROKEN_CODES.has(code) || (code === 'ECONNREFUSED' && isKnown);
  const words = WORDS[code] ?? (isBroken ? 'broke the connection' : undefined);
  if (words === undefined) return error;
  const failure = new InflessError(
    'REGISTRY_FAILED',
    `Registry ${registry} ${words} (${detailOf(error, code)})`,
    {
      remedy: words.endsWith('HTTPS')
        ? 'Use --insecure if it is meant to speak plain HTTP.'
        : 'Check its address, that it runs, and the network, then try again.',
      cause: error,
    },
  );
  return isBroken ? new TransientFailure(failure) : failure;
}

function isCertificateCode(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|^SELF_SIGNED/.test(code);
}

/** undici's codes are for programs; its messages are short and say more. */
function detailOf(error: unknown, code: string): string {
  return code === 'HTTP' || code.startsWith('UND_ERR_') ? oneLine(messageOf(error)) : code;
}

function explain(text: string): { code: string; words: string } | undefined {
  const parsed = explanationSchema.safeParse(parseJson(text)); // or a proxy's page
  if (!parsed.success) return undefined;
  const { code, message } = parsed.data.errors[0]!;
  return { code, words: message ? oneLine(message) : code };
}

/** Another machine's text goes to a terminal: one line, no control characters, no novel. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** A `Retry-After` is in seconds, or a date. */
function waitOf(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}
