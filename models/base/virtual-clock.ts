import type { Cancel, Clock } from './clock.ts';
import { TimeQueue } from './time-queue.ts';

interface Timer {
  /** Undefined once it is cancelled: what it held can go before its time comes. */
  callback: (() => void) | undefined;
}

/**
 * A clock that moves only when told to. Timers fire in time order, those of one instant in the order they
 * were set (O(log n) a timer, so that a simulated day of requests stays cheap).
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #timers = new TimeQueue<Timer>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: () => void): Cancel {
    const timer: Timer = { callback };
    this.#timers.add(Math.max(atMs, this.#nowMs), timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** When the next timer is due; undefined when none is left. */
  get nextAtMs(): number | undefined {
    while (this.#timers.first !== undefined && this.#timers.first.item.callback === undefined)
      this.#timers.take();
    return this.#timers.first?.atMs;
  }

  /** Fires the next timer, moving time to it. Returns false when none is left. */
  step(): boolean {
    for (;;) {
      const due = this.#timers.take();
      if (due === undefined) return false;
      const { callback } = due.item;
      if (callback === undefined) continue;
      this.#nowMs = due.atMs;
      callback();
      return true;
    }
  }

  /** Fires every timer due up to `untilMs`, then stands at `untilMs`. */
  runUntil(untilMs: number): void {
    while ((this.nextAtMs ?? Infinity) <= untilMs) this.step();
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}
