import { InflessError, messageOf } from '../../../models/base/errors.ts';
import type { Refusal } from '../../../models/protocols/index.ts';

/** nginx' number for a client that hung up before its answer; only metrics ever see it. */
export const CLIENT_CLOSED = 499;

/** A failure that only HTTP knows: a wrong method, a path that is none. Told like an InflessError. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}) {
    super(sentence);
    this.name = 'HttpError';
    this.status = status;
    this.headers = headers;
  }

  static of({ refused, sentence, allow }: Refusal): HttpError {
    return new HttpError(refused, sentence, allow === undefined ? {} : { allow });
  }
}

/** An answer that is not a result; each protocol has its own way to write the sentence. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly sentence: string;
  /** Whether we are to blame, and the log should hold the whole story. */
  readonly isDefect: boolean;
}

/** What fastify itself finds wrong, where its own words would not help the caller. */
const FASTIFY_SENTENCES: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The path of the request is not a valid URL.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its Content-Length says.',
};

/** Renders whatever was thrown; never a stack trace, and no words of ours about defects. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof InflessError) {
    const retry = error.status === 429 || error.status === 503;
    const headers: Record<string, string> = retry ? { 'retry-after': retryAfter(error) } : {};
    return answer(error.status, error.sentence, headers);
  }
  if (error instanceof HttpError) return answer(error.status, error.message, error.headers);
  const status = clientStatusOf(error);
  if (status !== undefined) return answer(status, sentenceOf(error));
  return { ...answer(500, 'The server failed at this request; see its log.'), isDefect: true };
}

function answer(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}) {
  return { status, headers, sentence, isDefect: false };
}

/** Whole seconds, as the header wants them. */
function retryAfter(error: InflessError): string {
  const afterMs = error.details?.retryAfterMs;
  return String(typeof afterMs === 'number' ? Math.max(1, Math.ceil(afterMs / 1000)) : 1);
}

/** Fastify marks what the client did wrong with a status below 500. */
function clientStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}

function sentenceOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return FASTIFY_SENTENCES[code] ?? messageOf(error);
}
