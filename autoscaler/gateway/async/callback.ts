import { request } from 'undici';
import { InflessError } from '../../../models/base/errors.ts';
import type { InferenceResponse } from '../../../packager/server/instance-protocol.ts';
import type { AsyncCall } from './async-queue.ts';

/** What a call came to, as it is told to its callback. */
export interface CallResult extends Pick<InferenceResponse, 'status' | 'contentType' | 'headers' | 'body'> {
  readonly durationSeconds: string;
}

/** The callback has been asked and does not want it: asking again will not help. */
export class CallbackRefused extends Error {}

const TIMEOUT_MS = 30_000;

/** @throws InflessError INVALID_INPUT for what is no address to post to */
export function checkCallbackUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === 'http:' || protocol === 'https:') return;
  throw new InflessError('INVALID_INPUT', `X-Callback-Url "${url}" is not an HTTP address`, {
    remedy: 'Give one like http://host:port/path.',
  });
}

/**
 * Posts a result with the headers that OpenFaaS' queue-worker sends.
 *
 * @throws CallbackRefused for an answer that stays the same; anything else may pass
 */
export async function postResult(
  url: string,
  { id, address }: AsyncCall,
  { status, contentType, headers, body, durationSeconds }: CallResult,
  signal: AbortSignal,
): Promise<void> {
  const { statusCode, body: answer } = await request(url, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': contentType,
      'x-call-id': id,
      'x-duration-seconds': durationSeconds,
      'x-function-name': address,
      'x-function-status': String(status),
    },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  await answer.dump();
  if (statusCode >= 200 && statusCode < 300) return;
  const what = `it answered ${statusCode}`;
  throw statusCode === 429 || statusCode >= 500 ? new Error(what) : new CallbackRefused(what);
}
