/** Undoes a timer. Calling it twice, or after the timer fired, does nothing. */
export type Cancel = () => void;

/**
 * The one source of time. Production uses {@link systemClock}; the simulator and the tests a
 * {@link VirtualClock}, so that everything timed runs the same code in both.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, fractional, never going backwards. */
  nowMs(): number;
  /** Calls `callback` once, at or after `atMs`. */
  at(atMs: number, callback: () => void): Cancel;
}

/** The longest delay `setTimeout` takes; longer ones would fire at once. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** The machine's monotonic clock, anchored to the epoch at process start. */
export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  at(atMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const delayMs = atMs - systemClock.nowMs();
      timer =
        delayMs > MAX_DELAY_MS ? setTimeout(arm, MAX_DELAY_MS) : setTimeout(callback, Math.max(0, delayMs));
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `pauseMs` on the given clock, or as soon as the signal says so. */
export function pause(clock: Clock, pauseMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.at(clock.nowMs() + pauseMs, end);
    signal?.addEventListener('abort', end);
  });
}
