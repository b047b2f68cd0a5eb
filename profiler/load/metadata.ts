import { request } from 'undici';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import { generateInputs, likened } from '../../models/manifest/inputs.ts';
import { GIVE_A_BODY, type Message, type Signature } from '../../models/protocols/protocol.ts';
import type { DescribedTarget } from './target.ts';

/**
 * Asks a served model what it takes and gives.
 *
 * @throws InflessError PLATFORM_FAILED when it does not answer, INVALID_INPUT when the answer is no metadata
 */
export async function fetchSignature(
  { metadataUrl, protocol }: DescribedTarget,
  timeoutMs: number,
): Promise<Signature> {
  const what = `The metadata at ${metadataUrl.href}`;
  const { status, body } = await get(metadataUrl, timeoutMs);
  if (status === 200) return protocol.readMetadata(body, what);
  throw new InflessError('INVALID_INPUT', `${what} cannot be read: status ${status}`, {
    remedy: GIVE_A_BODY,
  });
}

async function get(url: URL, timeoutMs: number): Promise<{ status: number; body: Uint8Array }> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    return { status: statusCode, body: await body.bytes() };
  } catch (error) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `${url.href} does not answer (${systemCode(error) ?? messageOf(error)})`,
      { remedy: 'Check that the target runs and is ready.', cause: error },
    );
  }
}

export interface GenerateOptions {
  /** The same seed gives the same requests. */
  readonly seed: number;
  readonly timeoutMs: number;
  /** What requests look like, where the user says it. */
  readonly like?: RequestLike | undefined;
}

/** Enough that a cache of answers would not flatter the target, few enough to hold images in memory. */
const DISTINCT_REQUESTS = 4;

/**
 * Requests made up from a model's metadata, one row each, encoded before the test: while it runs, sending
 * must cost as little as possible, because the CPU is shared with the system under test.
 *
 * @throws InflessError PLATFORM_FAILED, INVALID_INPUT
 */
export async function generateRequests(
  target: DescribedTarget,
  { seed, timeoutMs, like = {} }: GenerateOptions,
): Promise<readonly Message[]> {
  const signature = await fetchSignature(target, timeoutMs);
  const model = likened({ name: 'of the target', ...signature }, like);
  return Array.from({ length: DISTINCT_REQUESTS }, (_, index) =>
    target.protocol.request(generateInputs(model, { batch: 1, seed: seed + index }), model),
  );
}
