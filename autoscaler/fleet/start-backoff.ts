const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** So many failed starts in a row are no accident. */
const HOPELESS_FAILURES = 3;

/** Clusters tell in whole seconds when an instance was started. */
const ROUNDING_MS = 1_000;

/**
 * Pauses between attempts after starts that failed, doubling: a model that cannot load must not keep a node
 * busy.
 */
export class StartBackoff {
  #failures = 0;
  #retryAtMs = 0;
  #reason: string | undefined;
  #failedAtMs = -Infinity;

  /** Why the last start failed, until one becomes ready. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** When the next start may be tried. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  get failedForGood(): boolean {
    return this.#failures >= HOPELESS_FAILURES;
  }

  /**
   * Starts that fail together, while the pause after the first of them lasts, fail for one cause and count
   * once.
   */
  failed(nowMs: number, reason: string): void {
    this.#reason = reason;
    this.#failedAtMs = nowMs;
    if (!this.mayStart(nowMs)) return;
    this.#retryAtMs = nowMs + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
  }

  /**
   * An instance is ready that was started then. Failures count on until it has answered: some end at their
   * first batch. What was started before the last failure tells nothing of the next start.
   */
  ready(startedAtMs: number): void {
    if (!this.#isAfterFailure(startedAtMs)) return;
    this.#retryAtMs = 0;
    this.#reason = undefined;
  }

  /** An instance that was started then has answered. */
  answered(startedAtMs: number): void {
    if (this.#isAfterFailure(startedAtMs)) this.#failures = 0;
  }

  #isAfterFailure(startedAtMs: number): boolean {
    return startedAtMs >= this.#failedAtMs - ROUNDING_MS;
  }

  mayStart(nowMs: number): boolean {
    return nowMs >= this.#retryAtMs;
  }
}
