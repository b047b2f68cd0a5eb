import { Idleness } from '../../../demand/keepalive/idleness.ts';
import { createKeepAlivePolicy, type KeepAlivePolicyName } from '../../../demand/keepalive/policies.ts';
import type { KeepAlivePolicy } from '../../../demand/keepalive/policy.ts';

/** Of requests that find their function busy, so often one counts as an idle time of none. */
const BUSY_SAMPLE_MS = 1_000;

/**
 * A keep-alive policy as the systems that we compare with use one: it says whether a function that no one
 * calls is worth an instance, and for how long an instance is kept that is more than the load needs.
 */
export class FunctionKeepAlive {
  readonly #policy: KeepAlivePolicy;
  readonly #idleness: Idleness;
  readonly #startupMs: number;
  #busySampleMs = -Infinity;

  /** @param keepAliveMs what the function's owner declares as `scale.idle` */
  constructor(name: KeepAlivePolicyName, keepAliveMs: number, startupMs: number, nowMs: number) {
    this.#policy = createKeepAlivePolicy(name, keepAliveMs);
    this.#idleness = new Idleness(this.#policy, keepAliveMs, nowMs);
    this.#startupMs = startupMs;
  }

  /** @param isBusy whether other requests have no answer yet */
  arrived(nowMs: number, isBusy: boolean): void {
    if (!isBusy) {
      this.#idleness.arrived(nowMs, this.#startupMs);
    } else if (nowMs >= this.#busySampleMs + BUSY_SAMPLE_MS) {
      this.#busySampleMs = nowMs;
      this.#policy.idleBegan(nowMs, this.#startupMs);
      this.#policy.idleEnded(0, nowMs);
    }
  }

  drained(nowMs: number): void {
    this.#idleness.drained(nowMs);
  }

  /** Whether an instance must be there, or on its way. */
  isHeld(nowMs: number): boolean {
    return this.#idleness.isHeld(nowMs, this.#startupMs);
  }

  /** When that changes unless a request comes or ends. */
  changesAtMs(nowMs: number): number {
    return this.#idleness.changesAtMs(nowMs, this.#startupMs);
  }

  /** How long an instance is kept that the load does not need. */
  surplusMs(nowMs: number): number {
    return this.#policy.idleBegan(nowMs, this.#startupMs).keepAliveMs;
  }
}
