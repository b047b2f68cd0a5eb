import { type Clock, pause } from '../../models/base/clock.ts';
import { ApiError, isTransient } from './api-errors.ts';

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Uniform in [0, 1); spreads what many would otherwise do at the same moment. */
  readonly random?: () => number;
  /** How often it is tried at most. */
  readonly attempts?: number;
}

const DEFAULT_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Does it again, a little later each time, as long as that can help: 429, 5xx and no answer at all. What the
 * API asks for in Retry-After is kept.
 *
 * @throws what the last attempt did
 */
export async function withRetry<T>(
  clock: Clock,
  work: () => Promise<T>,
  { signal, random = Math.random, attempts = DEFAULT_ATTEMPTS }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || signal?.aborted || !isTransient(error)) throw error;
      const askedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
      await pause(clock, Math.max(askedMs, backoffMs(attempt, random)), signal);
      if (signal?.aborted) throw error;
    }
  }
}

/** How long to wait after so many failures in a row: doubles up to 10 s, of which half is left to chance. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const mostMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return mostMs * (0.5 + 0.5 * random());
}
