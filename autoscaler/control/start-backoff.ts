const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** Pauses between attempts after starts that failed, doubling: a model that cannot load must not keep a node busy. */
export class StartBackoff {
  #failures = 0;
  #retryAtMs = 0;
  #reason: string | undefined;

  /** Why the last start failed, until one succeeds. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Failed starts since the last success. */
  get failures(): number {
    return this.#failures;
  }

  failed(nowMs: number, reason: string): void {
    this.#reason = reason;
    this.#retryAtMs = nowMs + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#retryAtMs = 0;
    this.#reason = undefined;
  }

  mayStart(nowMs: number): boolean {
    return nowMs >= this.#retryAtMs;
  }
}
