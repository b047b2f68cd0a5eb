import { type Cancel, type Clock, systemClock } from '../../models/base/clock.ts';
import type { RequestResult } from './recorder.ts';
import type { SecondReport } from './report.ts';

/** How long an interrupted test still waits for answers. */
const INTERRUPTED_WAIT_MS = 2000;

/** Sends one request without waiting for those before; `done` hears once how it ended. */
export interface RequestSender {
  send(body: Uint8Array | null, done: (outcome: RequestResult) => void): void;
}

/**
 * What a test tells of its requests. `dueMs` is on the test's clock; requests are sent or dropped in its
 * order.
 */
export interface RequestLog {
  sent(lagMs: number, dueMs: number): void;
  dropped(dueMs: number): void;
  ended(outcome: RequestResult, latencyMs: number, dueMs: number): void;
  /** The interrupted test waits no longer for it. */
  abandoned(ageMs: number, dueMs: number): void;
  readonly hasOpenSecond: boolean;
  closeSecond(outstanding: number): SecondReport;
}

export interface OpenLoopOptions {
  readonly client: RequestSender;
  readonly recorder: RequestLog;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Sent in turn; `[null]` for requests without a body. */
  readonly bodies: readonly (Uint8Array | null)[];
  readonly maxOutstanding: number;
  readonly onSecond: (second: SecondReport) => void;
}

/** A request on its way. */
interface Flight {
  readonly dueMs: number;
}

/** One test: sends on schedule, follows every request to its end, closes a second after the other. */
export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #clock: Clock;
  readonly #flights = new Set<Flight>();
  #sent = 0;
  #landed: () => void = () => {};

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Resolves when the last request has ended, with how long sending took. */
  async run(times: Iterator<number, void>, durationMs: number, signal: AbortSignal): Promise<number> {
    const startMs = this.#clock.nowMs();
    const stopSeconds = this.#closeSeconds(startMs);
    try {
      const schedule = { startMs, endMs: startMs + durationMs, times };
      await pace(this.#clock, schedule, (dueMs) => this.#send(dueMs), signal);
      const sendingMs = Math.min(this.#clock.nowMs() - startMs, durationMs);
      await this.#waitForAnswers(signal);
      return sendingMs;
    } finally {
      stopSeconds();
    }
  }

  #send(dueMs: number): void {
    const { client, recorder, bodies, maxOutstanding } = this.#options;
    if (this.#flights.size >= maxOutstanding) {
      recorder.dropped(dueMs);
      return;
    }
    const flight: Flight = { dueMs };
    this.#flights.add(flight);
    recorder.sent(this.#clock.nowMs() - dueMs, dueMs);
    const body = bodies[this.#sent++ % bodies.length]!;
    client.send(body, (outcome) => {
      if (!this.#flights.delete(flight)) return; // given up on
      recorder.ended(outcome, this.#clock.nowMs() - dueMs, dueMs);
      if (this.#flights.size === 0) this.#landed();
    });
  }

  /** Every request ends by its own timeout; only an interrupted test gives up on them earlier. */
  async #waitForAnswers(signal: AbortSignal): Promise<void> {
    if (this.#flights.size === 0) return;
    let cancel: Cancel = () => {};
    await new Promise<void>((resolve) => {
      const giveUpSoon = (): void => {
        cancel = this.#clock.at(this.#clock.nowMs() + INTERRUPTED_WAIT_MS, resolve);
      };
      this.#landed = () => {
        signal.removeEventListener('abort', giveUpSoon);
        resolve();
      };
      if (signal.aborted) giveUpSoon();
      else signal.addEventListener('abort', giveUpSoon, { once: true });
    });
    cancel();
    for (const { dueMs } of this.#flights)
      this.#options.recorder.abandoned(this.#clock.nowMs() - dueMs, dueMs);
    this.#flights.clear();
  }

  /** Closes a second at each full second of the test, and on stop the one that had begun. */
  #closeSeconds(startMs: number): () => void {
    const { recorder, onSecond } = this.#options;
    const close = (): void => onSecond(recorder.closeSecond(this.#flights.size));
    let second = 0;
    let cancel: Cancel = () => {};
    const next = (): void => {
      second += 1;
      cancel = this.#clock.at(startMs + second * 1000, () => {
        close();
        next();
      });
    };
    next();
    return () => {
      cancel();
      if (recorder.hasOpenSecond) close();
    };
  }
}

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
 * allows after it (timers tick in whole milliseconds; spinning would take CPU from the system under test),
 * and without ever waiting for what `send` starts. Resolves at the schedule's end, or when the signal aborts.
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
