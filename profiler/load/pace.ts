import type { Cancel, Clock } from '../../models/base/clock.ts';

/** A generator that is behind must still read answers: after so many sends it lets the event loop turn. */
const MOST_SENDS_PER_TURN = 256;

export interface Schedule {
  /** On the clock; `times` count from here. */
  readonly startMs: number;
  readonly endMs: number;
  /** Ascending. */
  readonly times: Iterator<number, void>;
}

/**
 * Calls `send` for every time of a schedule with the moment it was due: never before it, as soon as the timer
 * allows after it (timers tick in whole milliseconds; spinning would take CPU from the system under test), and
 * without ever waiting for what `send` starts. Resolves at the schedule's end, or when the signal aborts.
 */
export function pace(
  clock: Clock,
  { startMs, endMs, times }: Schedule,
  send: (dueMs: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let cancel: Cancel = () => {};
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', finish);
      reject(error);
    };
    let next = times.next();
    const sendDue = (nowMs: number): number => {
      let sends = 0;
      const mayGoOn = (): boolean => sends < MOST_SENDS_PER_TURN && !signal.aborted;
      while (mayGoOn() && !next.done && startMs + next.value <= nowMs) {
        send(startMs + next.value);
        next = times.next();
        sends += 1;
      }
      return next.done ? endMs : startMs + next.value;
    };
    const turn = (): void => {
      try {
        const nowMs = clock.nowMs();
        const wakeMs = sendDue(nowMs);
        if (signal.aborted) return; // by what was sent
        if (next.done && nowMs >= endMs) finish();
        else cancel = clock.at(wakeMs, turn);
      } catch (error) {
        fail(error);
      }
    };
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
    else turn();
  });
}
