import type { Clock } from '../../models/base/clock.ts';
import { arrivals } from '../load/arrivals/arrivals.ts';
import { constantRate } from '../load/arrivals/rates.ts';
import { OpenLoop, type RequestSender } from '../load/open-loop.ts';
import type { TrialReport } from './capacity-report.ts';
import type { TrialKind } from './search.ts';
import { TrialLog } from './trial-log.ts';
import type { TrialRule } from './trial-rule.ts';

/** Beyond what a Poisson process of some hundred arrivals might leave out at the end. */
const SPARE_TIME = 1.5;
/** Requests on their way at once; those beyond count as late. */
const MOST_OUTSTANDING = 1000;

export interface TrialRequest {
  readonly kind: TrialKind;
  readonly rule: TrialRule;
  readonly ratePerSecond: number;
  readonly seed: number;
  readonly longestWarmUpMs: number;
}

export interface TrialParts {
  readonly clock: Clock;
  readonly sender: RequestSender;
  /** Sent in turn. */
  readonly bodies: readonly Uint8Array[];
}

/**
 * Drives a target at one rate, Poisson, in an open loop, until the verdict is known. Cut short, it has none.
 */
export async function runTrial(
  request: TrialRequest,
  { clock, sender, bodies }: TrialParts,
  signal: AbortSignal,
): Promise<TrialReport> {
  const { kind, rule, ratePerSecond, seed, longestWarmUpMs } = request;
  const decided = new AbortController();
  const startMs = clock.nowMs();
  const log = new TrialLog({
    rule,
    ratePerSecond,
    startMs,
    longestWarmUpMs,
    onVerdict: () => decided.abort(),
  });
  const loop = new OpenLoop({
    client: sender,
    recorder: log,
    bodies,
    maxOutstanding: MOST_OUTSTANDING,
    onSecond: () => {},
    clock,
  });
  const longestMs = (longestWarmUpMs + rule.longestMs(ratePerSecond) + rule.slo.ms) * SPARE_TIME;
  const times = arrivals(constantRate(ratePerSecond, longestMs), { type: 'poisson' }, seed);
  const durationMs = await loop.run(times, longestMs, AbortSignal.any([signal, decided.signal]));
  const interrupted = log.verdict === undefined && signal.aborted;
  const load = log.report({
    target: '',
    arrivals: { type: 'poisson', seed },
    durationMs: Math.max(0, durationMs - (log.warmUpMs ?? durationMs)),
    interrupted,
  });
  return {
    kind,
    ratePerSecond,
    verdict: interrupted ? 'cut short' : (log.verdict ?? 'undecided'),
    seed,
    warmUpMs: log.warmUpMs ?? durationMs,
    countedMs: load.durationMs,
    lateShare: rule.estimate(log.stretches),
    latencyMs: load.latencyMs,
    failed: load.failed,
    dropped: load.dropped,
    sendLagMs: load.sendLagMs,
    keptUp: load.keptUp,
  };
}
