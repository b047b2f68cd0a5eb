import { InflessError } from '../../models/base/errors.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import { JSON_TYPE, type Message } from '../../models/protocols/protocol.ts';
import { type ArrivalProcess, arrivals } from './arrivals/arrivals.ts';
import { durationOf, type RateCurve, totalCount } from './arrivals/rates.ts';
import { HttpClient } from './http-client.ts';
import { generateRequests } from './metadata.ts';
import { OpenLoop } from './open-loop.ts';
import { LoadRecorder } from './recorder.ts';
import type { LoadReport, SecondReport, Slo } from './report.ts';
import { isDescribed, parseTarget, probe, type Target } from './target.ts';

export interface LoadOptions {
  /** A function, a model, its `:predict`, or anything else that takes the method. */
  readonly url: string;
  /** Name of the protocol to speak. Default: what the URL tells, else OpenFaaS' raw call. */
  readonly protocol?: string;
  readonly rates: RateCurve;
  /** Default: Poisson. */
  readonly process?: ArrivalProcess;
  /** Default: 1. */
  readonly seed?: number;
  /** Default: POST. */
  readonly method?: string;
  /** Beside, or instead of, the `content-type` of what is sent. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent in turn; without any they are made up from the model's metadata. Not used for GET and HEAD. */
  readonly bodies?: readonly Uint8Array[];
  /** What requests look like that are made up. */
  readonly like?: RequestLike;
  /** Default: 30 s. */
  readonly timeoutMs?: number;
  /** Requests beyond are not sent, but count as violations. Default: 1000. */
  readonly maxOutstanding?: number;
  readonly slo?: Slo;
}

/**
 * Loads a target in an open loop: when requests go out is drawn ahead and does not depend on answers, and
 * latency counts from the moment a request was due. So a target that stalls for a second shows a second in
 * the latencies of all that came meanwhile, instead of holding the generator up.
 *
 * @param onSecond called once a second, until the last answer
 * @param signal ends sending early; the report covers what was measured
 * @throws InflessError PLATFORM_FAILED when nothing listens there, INVALID_INPUT
 */
export async function runLoad(
  options: LoadOptions,
  onSecond: (second: SecondReport) => void = () => {},
  signal: AbortSignal = new AbortController().signal,
): Promise<LoadReport> {
  const { rates, process = { type: 'poisson' }, seed = 1, method = 'POST', timeoutMs = 30_000 } = options;
  if (!(totalCount(rates) > 0)) {
    throw new InflessError('INVALID_INPUT', 'This rate over this duration brings no requests at all');
  }
  const target = parseTarget(options.url, options.protocol);
  await probe(target.url, timeoutMs);
  const requests = takesBody(method) ? await requestsFor(target, options, seed, timeoutMs) : [];
  const recorder = new LoadRecorder(options.slo);
  const [first] = requests;
  const client = new HttpClient(target.url, {
    method,
    headers: { ...(first === undefined ? {} : { 'content-type': first.contentType }), ...options.headers },
    timeoutMs,
  });
  const loop = new OpenLoop({
    client,
    recorder,
    bodies: first === undefined ? [null] : requests.map(({ body }) => body),
    maxOutstanding: options.maxOutstanding ?? 1000,
    onSecond,
  });
  try {
    const durationMs = await loop.run(arrivals(rates, process, seed), durationOf(rates), signal);
    return recorder.report({
      target: target.url.href,
      arrivals: { ...process, seed },
      durationMs,
      interrupted: signal.aborted,
    });
  } finally {
    await client.close();
  }
}

function takesBody(method: string): boolean {
  return !['GET', 'HEAD'].includes(method);
}

async function requestsFor(
  target: Target,
  { bodies: given, like }: Pick<LoadOptions, 'bodies' | 'like'>,
  seed: number,
  timeoutMs: number,
): Promise<readonly Message[]> {
  if (given !== undefined && given.length > 0) return given.map((body) => ({ contentType: JSON_TYPE, body }));
  if (isDescribed(target)) return generateRequests(target, { seed, timeoutMs, like });
  throw new InflessError('INVALID_INPUT', `What to send to ${target.url.href} is not known`, {
    remedy: 'Give a body with --data FILE or --body JSON, or the URL of a function or model.',
  });
}
