import type { Cancel, Clock } from '../../models/base/clock.ts';

/**
 * Notices that no one has asked after us for a long time: the autoscaler that started this process is gone
 * for good, and no other one has adopted it.
 */
export class OrphanGuard {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #onOrphaned: () => void;
  #lastAskedMs: number;
  #cancel: Cancel | undefined;

  /** @param afterMs 0 = never */
  constructor(clock: Clock, afterMs: number, onOrphaned: () => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#onOrphaned = onOrphaned;
    this.#lastAskedMs = clock.nowMs();
    if (afterMs > 0) this.#arm();
  }

  touch(): void {
    this.#lastAskedMs = this.#clock.nowMs();
  }

  close(): void {
    this.#cancel?.();
  }

  /** One timer that looks again when it fires, rather than a new one for each question. */
  #arm(): void {
    const dueMs = this.#lastAskedMs + this.#afterMs;
    this.#cancel = this.#clock.at(dueMs, () => {
      if (this.#clock.nowMs() >= this.#lastAskedMs + this.#afterMs) this.#onOrphaned();
      else this.#arm();
    });
  }
}
