import { studentT } from '../../profiles/statistics.ts';

/** Requests that were due within a stretch of time, and how many of them did not meet the SLO. */
export interface Counts {
  readonly requests: number;
  readonly late: number;
}

/** The share of late requests, and between which shares the true one lies. */
export interface LateShare extends Counts {
  readonly share: number;
  /** Each end is wrong with a probability of 1 − `confidence`. */
  readonly interval: readonly [number, number];
}

/**
 * The long-run share of late requests, from counts in consecutive stretches of equal length.
 *
 * Late requests come together: a queue that is long makes all that arrive late. So requests do not count as
 * independent; their number is divided by the design effect, how much more the stretches' shares differ than
 * those of independent requests would (ratio estimator; Korn and Graubard 1998). The bounds are Wilson's,
 * with Student's t, since the design effect itself is known from so many stretches only.
 *
 * @param stretches two or more, with at least one request
 * @param confidence one-sided, of each bound: 0.5 makes both of them the share itself
 */
export function lateShare(stretches: readonly Counts[], confidence: number): LateShare {
  const requests = sum(stretches, (stretch) => stretch.requests);
  const late = sum(stretches, (stretch) => stretch.late);
  const share = late / requests;
  const effective = requests / designEffect(stretches, share, requests);
  const z = oneSidedT(confidence, stretches.length - 1);
  const middle = share + (z * z) / (2 * effective);
  const half = z * Math.sqrt((share * (1 - share)) / effective + (z / (2 * effective)) ** 2);
  const scale = 1 + (z * z) / effective;
  return {
    requests,
    late,
    share,
    interval: [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)],
  };
}

/**
 * How many requests, none of them late, show with this confidence that the share of late ones is below
 * `share`.
 */
export function fewestRequests(share: number, confidence: number, stretches: number): number {
  const z = oneSidedT(confidence, stretches - 1);
  return (z * z * (1 - share)) / share;
}

function designEffect(stretches: readonly Counts[], share: number, requests: number): number {
  const independent = (share * (1 - share)) / requests;
  if (independent === 0) return 1;
  const squares = sum(stretches, (stretch) => (stretch.late - share * stretch.requests) ** 2);
  const variance = ((stretches.length / (stretches.length - 1)) * squares) / requests ** 2;
  return Math.max(1, variance / independent);
}

function oneSidedT(confidence: number, degrees: number): number {
  return confidence <= 0.5 ? 0 : studentT(2 * confidence - 1, degrees);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

interface OpenStretch {
  requests: number;
  inTime: number;
}

/**
 * Requests counted by when they were due, in stretches of equal length. A stretch is closed when the last of
 * its requests has either been answered or is late: a verdict waits for no straggler, and leaves none out.
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
   * A request has come due. Requests come in the order in which they are due, so that one due an SLO after a
   * stretch's end closes it, however far the sender is behind. Returns whether a stretch was closed.
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
