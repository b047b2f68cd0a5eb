import { heldFromMs, type IdleWindow, isHeld, keepFor } from './idle-window.ts';
import type { ColdStartPolicy } from './policy.ts';

/** What is known of one idle period: when it began and, once decided, when an instance is worth having in it. */
interface IdlePeriod {
  readonly sinceMs: number;
  window: IdleWindow | undefined;
}

/**
 * Whether a function is worth an instance while nothing is asked of it: follows its idle periods, from the last answer to
 * the next arrival, and asks the policy once in each.
 */
export class Idleness {
  readonly #policy: ColdStartPolicy;
  readonly #keepAliveMs: number;
  /** Undefined while requests wait or run. */
  #period: IdlePeriod | undefined;
  #wasUsed = false;

  /**
   * A new function comes up warm, whatever the policy would say.
   *
   * @param keepAliveMs how long an instance is held that was never used
   * @param nowMs when it was deployed
   */
  constructor(policy: ColdStartPolicy, keepAliveMs: number, nowMs: number) {
    this.#policy = policy;
    this.#keepAliveMs = keepAliveMs;
    this.becameReady(nowMs);
  }

  /** An instance has become ready. For a function that was never used, time counts from here. */
  becameReady(nowMs: number): void {
    if (!this.#wasUsed) this.#period = { sinceMs: nowMs, window: keepFor(this.#keepAliveMs) };
  }

  /** A request has arrived. */
  arrived(nowMs: number, startupMs: number): void {
    const period = this.#period;
    this.#period = undefined;
    // Before the first request nothing has been learnt of the gaps between requests.
    if (period !== undefined && this.#wasUsed) {
      this.#windowOf(period, startupMs);
      this.#policy.idleEnded(nowMs - period.sinceMs, nowMs);
    }
    this.#wasUsed = true;
  }

  /** Nothing waits and nothing runs. Returns whether that is news. */
  drained(nowMs: number): boolean {
    if (this.#period !== undefined) return false;
    this.#period = { sinceMs: nowMs, window: undefined };
    return true;
  }

  /** Whether an instance shall be there now, or be on its way. */
  isHeld(nowMs: number, startupMs: number): boolean {
    const period = this.#period;
    if (period === undefined) return true;
    // A period may have begun while a caller that noted the time before was doing something else.
    const idleMs = Math.max(0, nowMs - period.sinceMs);
    return isHeld(this.#windowOf(period, startupMs), idleMs, startupMs);
  }

  /** When {@link isHeld} will next say something else unless a request comes or ends; Infinity for never. */
  changesAtMs(nowMs: number, startupMs: number): number {
    const period = this.#period;
    if (period === undefined) return Infinity;
    const window = this.#windowOf(period, startupMs);
    const idleMs = nowMs - period.sinceMs;
    const changes = [heldFromMs(window, startupMs), window.keepAliveMs];
    const next = changes.find((atIdleMs) => idleMs < atIdleMs) ?? Infinity;
    return period.sinceMs + next;
  }

  #windowOf(period: IdlePeriod, startupMs: number): IdleWindow {
    period.window ??= this.#policy.idleBegan(period.sinceMs, startupMs);
    return period.window;
  }
}
