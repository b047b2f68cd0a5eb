import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
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
 * @param nowMs milliseconds since the epoch, for a `Retry-After` that is a date
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
  if (status === 404) return 'Check the name of the repository; some registries want it to be created first.';
  if (status === 413)
    return 'Raise the limit for the size of a request, in the registry or the proxy before it.';
  return 'Check that this is the address of a registry.';
}

function explain(text: string): { code: string; words: string } | undefined {
  const parsed = explanationSchema.safeParse(parseJson(text)); // or a proxy's page
  if (!parsed.success) return undefined;
  const { code, message } = parsed.data.errors[0]!;
  return { code, words: message ? oneLine(message) : code };
}

/** A `Retry-After` is in seconds, or a date. */
function waitOf(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** Another machine's text goes to a terminal: one line, no control characters, no novel. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
