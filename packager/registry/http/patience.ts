import type { Clock } from '../../../models/base/clock.ts';
import type { InflessError } from '../../../models/base/errors.ts';
import type { ProgressEvent } from '../options.ts';

/** A failure that may pass: the registry is busy, restarts, or the connection broke. */
export class TransientFailure extends Error {
  /** What the user is told when it does not pass. */
  readonly failure: InflessError;
  /** How long the registry asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(failure: InflessError, retryAfterMs?: number) {
    super(failure.message, { cause: failure });
    this.name = 'TransientFailure';
    this.failure = failure;
    this.retryAfterMs = retryAfterMs;
  }
}

const MAX_TRIES = 6;
const FIRST_WAIT_MS = 500;
/** A registry that asks for more (Docker Hub's daily limit asks for hours) is not worth the wait. */
const MAX_WAIT_MS = 60_000;

export interface PatienceOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Default: 6. */
  readonly tries?: number | undefined;
}

/**
 * How often, and after which waits, one thing is tried again: 0.5, 1, 2, 4, 8 s (a registry is restarted
 * meanwhile), or what the registry asks for.
 */
export class RetryBudget {
  readonly #options: PatienceOptions;
  #failures = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** There was progress: what fails next is as if it failed for the first time. */
  renew(): void {
    this.#failures = 0;
  }

  /** Waits before the next try. Throws what is no transient failure, or one too many. */
  async after(error: unknown): Promise<void> {
    if (!(error instanceof TransientFailure)) throw error;
    this.#failures += 1;
    const waitMs = error.retryAfterMs ?? FIRST_WAIT_MS * 2 ** (this.#failures - 1);
    if (this.#failures >= (this.#options.tries ?? MAX_TRIES) || waitMs > MAX_WAIT_MS) throw error.failure;
    this.#options.onProgress?.({ type: 'retry', reason: error.message, waitMs });
    await this.#wait(waitMs);
  }

  async #wait(waitMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = clock.at(clock.nowMs() + waitMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
