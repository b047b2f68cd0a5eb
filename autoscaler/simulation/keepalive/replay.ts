import { heldFromMs, heldMs, type IdleWindow, waitMs } from '../../demand/keepalive/idle-window.ts';
import type { KeepAlivePolicy } from '../../demand/keepalive/policy.ts';

export interface ReplayOptions {
  /** Starting an instance takes so long, always. */
  readonly startupMs: number;
  /** A request takes so long. */
  readonly executionMs: number;
  /** When to stop looking; arrivals are before it. */
  readonly untilMs: number;
}

/** What a policy would have made of the arrivals of one function. */
export interface ReplayOutcome {
  readonly requests: number;
  /**
   * Requests that found no ready instance: those that caused a start, and those that came while it was under
   * way.
   */
  readonly coldRequests: number;
  /** Starts that a request had to wait for. */
  readonly coldStarts: number;
  /** Starts ahead of requests, whether one came or not. */
  readonly prewarms: number;
  /** What the cold requests waited, altogether. */
  readonly coldWaitMs: number;
  /** For how long an instance was there, or starting ahead, and no one asked anything of it. */
  readonly idleMs: number;
}

/**
 * Replays arrivals against a policy in virtual time: one instance that takes any number of requests at once,
 * which is what the first one started and the last one stopped is to its function. Nothing is there before
 * the first request.
 *
 * The start that a request waits for is not idle time; one ahead of requests is.
 *
 * @param arrivals in ms from the beginning, ascending
 */
export function replay(
  arrivals: Iterable<number>,
  policy: KeepAlivePolicy,
  { startupMs, executionMs, untilMs }: ReplayOptions,
): ReplayOutcome {
  let requests = 0;
  let coldRequests = 0;
  let coldStarts = 0;
  let prewarms = 0;
  let coldWaitMs = 0;
  let idleMs = 0;
  let readyAtMs = 0;
  let busyUntilMs = Number.NEGATIVE_INFINITY;

  const idleUntil = (nowMs: number): IdleWindow => {
    const window = policy.idleBegan(busyUntilMs, startupMs);
    const fromMs = heldFromMs(window, startupMs);
    if (fromMs > 0 && nowMs - busyUntilMs >= fromMs) prewarms += 1;
    idleMs += heldMs(window, nowMs - busyUntilMs, startupMs);
    return window;
  };

  for (const nowMs of arrivals) {
    if (requests === 0) {
      readyAtMs = nowMs + startupMs;
      coldStarts += 1;
    } else if (nowMs > busyUntilMs) {
      const forMs = nowMs - busyUntilMs;
      const waitsMs = waitMs(idleUntil(nowMs), forMs, startupMs);
      policy.idleEnded(forMs, nowMs);
      readyAtMs = nowMs + waitsMs;
      if (waitsMs > 0) coldStarts += 1;
    }
    requests += 1;
    if (nowMs < readyAtMs) {
      coldRequests += 1;
      coldWaitMs += readyAtMs - nowMs;
    }
    busyUntilMs = Math.max(busyUntilMs, nowMs + executionMs, readyAtMs + executionMs);
  }
  if (requests > 0 && untilMs > busyUntilMs) idleUntil(untilMs);
  return { requests, coldRequests, coldStarts, prewarms, coldWaitMs, idleMs };
}
