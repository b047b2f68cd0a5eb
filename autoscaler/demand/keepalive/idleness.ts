import { heldFromMs, type IdleWindow, isHeld } from './idle-window.ts';
import type { KeepAlivePolicy } from './policy.ts';

/** No policy is asked. */
const NEVER: IdleWindow = { prewarmMs: 0, keepAliveMs: 0 };

/**
 * What is known of one idle period: when it began and, once decided, when an instance is worth having in it.
 */
interface IdlePeriod {
  readonly sinceMs: number;
  window: IdleWindow | undefined;
  /** Until then it is worth one whatever the policy thinks. */
  heldUntilMs: number;
  /**
   * Whether the requests before it found no instance, and were given up: what was started for them has served
   * no one.
   */
  readonly isUnserved: boolean;
}

/**
 * Whether a function is worth an instance while nothing is asked of it: follows its idle periods, from the
 * last answer to the next arrival, and asks the policy once in each.
 */
export class Idleness {
  readonly #policy: KeepAlivePolicy;
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
  constructor(policy: KeepAlivePolicy, keepAliveMs: number, nowMs: number) {
    this.#policy = policy;
    this.#keepAliveMs = keepAliveMs;
    this.becameReady(nowMs);
  }

  /**
   * An instance has become ready. For a function that was never used, or not been served, time counts from
   * here.
   */
  becameReady(nowMs: number): void {
    const heldUntilMs = nowMs + this.#keepAliveMs;
    if (!this.#wasUsed) this.#period = { sinceMs: nowMs, window: NEVER, heldUntilMs, isUnserved: false };
    else if (this.#period?.isUnserved) this.#period.heldUntilMs = heldUntilMs;
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

  /**
   * Nothing waits and nothing runs.
   *
   * @param isServed whether there is an instance; without one, what waited was given up, and one is on its
   * way
   * @returns whether that is news
   */
  drained(nowMs: number, isServed = true): boolean {
    if (this.#period !== undefined) return false;
    const heldUntilMs = isServed ? nowMs : nowMs + this.#keepAliveMs;
    this.#period = { sinceMs: nowMs, window: undefined, heldUntilMs, isUnserved: !isServed };
    return true;
  }

  /** Whether an instance must be there now, or be on its way. */
  isHeld(nowMs: number, startupMs: number): boolean {
    const period = this.#period;
    if (period === undefined || nowMs < period.heldUntilMs) return true;
    // A period may have begun while a caller that noted the time before was doing something else.
    const idleMs = Math.max(0, nowMs - period.sinceMs);
    return isHeld(this.#windowOf(period, startupMs), idleMs, startupMs);
  }

  /** When {@link isHeld} will next say something else unless a request comes or ends; Infinity for never. */
  changesAtMs(nowMs: number, startupMs: number): number {
    const period = this.#period;
    if (period === undefined) return Infinity;
    if (nowMs < period.heldUntilMs) return period.heldUntilMs;
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
