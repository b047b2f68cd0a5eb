import { type Clock, pause } from '../../models/base/clock.ts';
import { InflessError } from '../../models/base/errors.ts';
import { formatDuration } from '../../models/base/units.ts';
import { LatencyHistogram } from '../load/histogram.ts';
import type { RequestSender } from '../load/open-loop.ts';
import type { RequestResult } from '../load/recorder.ts';
import type { IdleReport } from './capacity-report.ts';
import type { TrialParts } from './trial.ts';

/** An instance may have to be pulled, started and loaded before the first answer. */
const LONGEST_START_MS = 300_000;
const PAUSE_BETWEEN_TRIES_MS = 250;
/** What gateways and servers answer while an instance is on its way, or after too many requests. */
const NOT_YET = new Set([429, 502, 503, 504]);

const IDLE_REQUESTS = 20;
const LONGEST_IDLE_MS = 5000;
const FEWEST_IDLE_REQUESTS = 3;

interface Answer {
  readonly outcome: RequestResult;
  readonly latencyMs: number;
}

/**
 * Waits for the first answer, an instance's start included, and measures a few requests, one after the other.
 *
 * @throws InflessError INVALID_INPUT where what is sent is refused, UNAVAILABLE where no answer comes; the
 * signal's reason
 */
export async function measureIdle(
  target: string,
  { clock, sender, bodies }: TrialParts,
  signal: AbortSignal,
): Promise<IdleReport> {
  const startMs = clock.nowMs();
  await untilAnswered(target, { clock, sender, bodies }, signal);
  const firstAnswerMs = clock.nowMs() - startMs;
  const histogram = new LatencyHistogram();
  const fromMs = clock.nowMs();
  while (
    histogram.count < FEWEST_IDLE_REQUESTS ||
    (histogram.count < IDLE_REQUESTS && clock.nowMs() - fromMs < LONGEST_IDLE_MS)
  ) {
    const { outcome, latencyMs } = await ask(clock, sender, bodies[histogram.count % bodies.length]!, signal);
    if (!isOk(outcome)) throw refusal(target, outcome);
    histogram.record(latencyMs);
  }
  return { firstAnswerMs, latencyMs: histogram.summary()!, requests: histogram.count };
}

/**
 * Waits until an answer comes within `withinMs`: what is left of an overload is over. False when it does not
 * in time.
 */
export async function untilCalm(
  withinMs: number,
  limitMs: number,
  { clock, sender, bodies }: TrialParts,
  signal: AbortSignal,
): Promise<boolean> {
  const giveUpAtMs = clock.nowMs() + limitMs;
  while (clock.nowMs() < giveUpAtMs) {
    const { outcome, latencyMs } = await ask(clock, sender, bodies[0]!, signal);
    if (isOk(outcome) && latencyMs <= withinMs) return true;
    await pause(clock, PAUSE_BETWEEN_TRIES_MS, signal);
  }
  return false;
}

async function untilAnswered(target: string, parts: TrialParts, signal: AbortSignal): Promise<void> {
  const { clock, sender, bodies } = parts;
  const giveUpAtMs = clock.nowMs() + LONGEST_START_MS;
  for (;;) {
    const { outcome } = await ask(clock, sender, bodies[0]!, signal);
    if (isOk(outcome)) return;
    if ('status' in outcome && !NOT_YET.has(outcome.status)) throw refusal(target, outcome);
    if (clock.nowMs() >= giveUpAtMs) {
      throw new InflessError(
        'UNAVAILABLE',
        `${target} gave no answer within ${formatDuration(LONGEST_START_MS)} (${nameOf(outcome)})`,
        { remedy: 'Look at why its instances do not start.' },
      );
    }
    await pause(clock, PAUSE_BETWEEN_TRIES_MS, signal);
  }
}

function refusal(target: string, outcome: RequestResult): InflessError {
  return new InflessError('INVALID_INPUT', `${target} does not answer what is sent (${nameOf(outcome)})`, {
    remedy: 'Give a request that it answers, with --data FILE, and --header where it needs one.',
  });
}

function nameOf(outcome: RequestResult): string {
  return 'status' in outcome ? `status ${outcome.status}` : outcome.error;
}

function isOk(outcome: RequestResult): boolean {
  return 'status' in outcome && outcome.status >= 200 && outcome.status < 300;
}

function ask(clock: Clock, sender: RequestSender, body: Uint8Array, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const startMs = clock.nowMs();
    sender.send(body, (outcome) => {
      signal.removeEventListener('abort', onAbort);
      resolve({ outcome, latencyMs: clock.nowMs() - startMs });
    });
  });
}
