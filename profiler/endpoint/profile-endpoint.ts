import { systemClock } from '../../models/base/clock.ts';
import { InflessError } from '../../models/base/errors.ts';
import { packageVersion } from '../../models/base/package.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import { JSON_TYPE, type Message } from '../../models/protocols/protocol.ts';
import { HttpClient } from '../load/http-client.ts';
import { generateRequests } from '../load/metadata.ts';
import type { Slo } from '../load/report.ts';
import { isDescribed, parseTarget, probe, type Target } from '../load/target.ts';
import { CAPACITY_SCHEMA, type CapacityReport } from './capacity-report.ts';
import { modelOf, type ReadyReport, readInstance, readSlo } from './endpoint.ts';
import { type CapacityListener, type CapacitySettings, measureCapacity } from './measure-capacity.ts';

/** How long an answer is waited for; longer than any SLO that somebody would drive through rates. */
const ANSWER_TIMEOUT_MS = 60_000;

export interface EndpointOptions extends Omit<CapacitySettings, 'slo'> {
  /** Default: the function's own, where its gateway tells. */
  readonly sloMs?: number;
  /** Default: the function's own, else 99. */
  readonly percentile?: number;
  /** Default: made up from the model's metadata. */
  readonly body?: Uint8Array;
  /** What requests look like that are made up. */
  readonly like?: RequestLike;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An endpoint that is known well enough to drive it. */
export interface Endpoint {
  readonly target: Target;
  readonly slo: Slo;
  /** Undefined where it is not known to be a single serving process of ours. */
  readonly instance: ReadyReport | undefined;
  readonly bodies: readonly Uint8Array[];
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Finds out what is behind an address, without a single inference.
 *
 * @throws InflessError PLATFORM_FAILED when nothing listens, INVALID_INPUT where the SLO or what to send is
 * not known
 */
export async function openEndpoint(url: string, options: EndpointOptions): Promise<Endpoint> {
  const given = parseTarget(url);
  await probe(given.url, ANSWER_TIMEOUT_MS);
  const [instance, declared] = await Promise.all([readInstance(given.url), readSlo(given)]);
  const target = instance === undefined || isDescribed(given) ? given : modelOf(instance, given.url);
  const sloMs = options.sloMs ?? declared?.ms;
  if (sloMs === undefined) {
    throw new InflessError('INVALID_INPUT', `${target.url.href} does not tell its SLO`, {
      remedy: 'Say it, like --slo 200ms.',
    });
  }
  const requests = await requestsFor(target, options);
  return {
    target,
    slo: { ms: sloMs, percentile: options.percentile ?? declared?.percentile ?? 99 },
    instance,
    bodies: requests.map(({ body }) => body),
    headers: { 'content-type': requests[0]!.contentType, ...options.headers },
  };
}

/**
 * Drives an endpoint through rates for the highest one at which it keeps its SLO; see
 * {@link measureCapacity}. Cut short by the signal, the report has what was measured.
 */
export async function profileEndpoint(
  { target, slo, instance, bodies, headers }: Endpoint,
  options: EndpointOptions,
  listener: CapacityListener,
  signal: AbortSignal,
): Promise<CapacityReport> {
  const createdAt = new Date().toISOString();
  const capacity = await measureCapacity(
    { ...options, slo },
    {
      target: target.url.href,
      clock: systemClock,
      bodies,
      connect: () => new HttpClient(target.url, { method: 'POST', headers, timeoutMs: ANSWER_TIMEOUT_MS }),
    },
    listener,
    signal,
  );
  return {
    schema: CAPACITY_SCHEMA,
    createdAt,
    tool: `infless ${packageVersion}`,
    target: target.url.href,
    slo,
    instance: instance ?? null,
    confidence: options.confidence,
    tolerance: options.tolerance,
    ...capacity,
  };
}

async function requestsFor(
  target: Target,
  { body, seed, like }: EndpointOptions,
): Promise<readonly Message[]> {
  if (body !== undefined) return [{ contentType: JSON_TYPE, body }];
  if (isDescribed(target)) return generateRequests(target, { seed, timeoutMs: ANSWER_TIMEOUT_MS, like });
  throw new InflessError('INVALID_INPUT', `What to send to ${target.url.href} is not known`, {
    remedy: 'Give a request with --data FILE, or the URL of a function or model.',
  });
}
