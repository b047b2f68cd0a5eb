import type { Counts } from '../endpoint/late-share.ts';

interface OpenStretch {
  requests: number;
  inTime: number;
}

/**
 * Requests counted by when they were due, in stretches of equal length. A stretch is closed when the last of its
 * requests has either been answered or is late: a verdict waits for no straggler, and leaves none out.
 */
export class Stretches {
  readonly #fromMs: number;
  readonly #lengthMs: number;
  readonly #sloMs: number;
  readonly #open: OpenStretch[] = [];
  readonly #closed: Counts[] = [];

  constructor(fromMs: number, lengthMs: number, sloMs: number) {
    this.#fromMs = fromMs;
    this.#lengthMs = lengthMs;
    this.#sloMs = sloMs;
  }

  get closed(): readonly Counts[] {
    return this.#closed;
  }

  /** Whether a request that was due then is counted here. */
  covers(dueMs: number): boolean {
    return dueMs >= this.#fromMs;
  }

  /**
   * A request has come due. Requests come in the order in which they are due, so that one due an SLO after a stretch's
   * end closes it, however far the sender is behind. Returns whether a stretch was closed.
   */
  due(dueMs: number): boolean {
    this.#at(dueMs).requests += 1;
    const before = this.#closed.length;
    while (dueMs >= this.#fromMs + (this.#closed.length + 1) * this.#lengthMs + this.#sloMs) {
      const { requests, inTime } = this.#stretch(this.#closed.length);
      this.#closed.push({ requests, late: requests - inTime });
    }
    return this.#closed.length > before;
  }

  /** A request that was due then has been answered in time. */
  inTime(dueMs: number): void {
    this.#at(dueMs).inTime += 1;
  }

  #at(dueMs: number): OpenStretch {
    return this.#stretch(Math.floor((dueMs - this.#fromMs) / this.#lengthMs));
  }

  #stretch(index: number): OpenStretch {
    while (this.#open.length <= index) this.#open.push({ requests: 0, inTime: 0 });
    return this.#open[index]!;
  }
}
