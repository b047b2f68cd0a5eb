import type { Slo } from '../load/report.ts';
import { type Counts, fewestRequests, type LateShare, lateShare } from './late-share.ts';

/** Whether the SLO holds at a rate; `undecided` where the longest trial cannot tell. */
export type Verdict = 'held' | 'missed' | 'undecided';

/** Stretches of time in the shortest trial; enough to see whether late requests come together. */
const FEWEST_STRETCHES = 20;
/** A trial that passes if none is late, would hardly ever pass: there is room for some. */
const ROOM_FOR_LATE = 1.5;
/** A scout sees so many requests that two of them may be late. */
const SCOUT_ALLOWED = 2;
/** By how much too high a rate is that a scout still notices. */
const SCOUT_TOLERANCE = 0.25;
/**
 * Chance may bring fewer requests than the rate says: by half the tolerance in one trial of forty (two
 * deviations of Poisson).
 */
const HALVES_OF_TOLERANCE = 2;

interface RuleParts {
  readonly slo: Slo;
  /** One-sided, of each look. */
  readonly confidence: number;
  /** When it is looked at, in stretches. */
  readonly looks: readonly number[];
  readonly fewestRequests: number;
  readonly shortestMs: number;
}

/**
 * How long a trial has to be for a verdict, and what the verdict is.
 *
 * *Long enough for the percentile*: so many requests that with none late the share of late ones is shown to
 * be below what the SLO allows (and half as many more). *Long enough for the queue*: at a rate too high by
 * the tolerance, half of which chance may take back, the backlog grows by the other half of the time, and is
 * an SLO long after 2 SLO ÷ tolerance; and chance takes no more than that back from (2 ÷ tolerance)²
 * requests. It is looked at then, after twice and after four times as long, each look with a third of the
 * error allowed, so that looking thrice errs no more often than stated.
 */
export class TrialRule {
  readonly slo: Slo;
  readonly #parts: RuleParts;

  private constructor(parts: RuleParts) {
    this.slo = parts.slo;
    this.#parts = parts;
  }

  /**
   * @param confidence that a verdict is right, such as 0.95
   * @param tolerance how near the rate that is looked for is to be found, such as 0.05
   */
  static full(slo: Slo, confidence: number, tolerance: number): TrialRule {
    const looks = [1, 2, 4].map((times) => times * FEWEST_STRETCHES);
    const perLook = 1 - (1 - confidence) / looks.length;
    return new TrialRule({
      slo,
      confidence: perLook,
      looks,
      fewestRequests: Math.max(
        ROOM_FOR_LATE * fewestRequests(allowedShare(slo), perLook, FEWEST_STRETCHES),
        requestsForQueue(tolerance),
      ),
      shortestMs: msForQueue(slo, tolerance),
    });
  }

  /** A quick look that errs often: it finds where trials are worth their time. */
  static scout(slo: Slo): TrialRule {
    return new TrialRule({
      slo,
      confidence: 0.5,
      looks: [FEWEST_STRETCHES],
      fewestRequests: Math.max(SCOUT_ALLOWED / allowedShare(slo), requestsForQueue(SCOUT_TOLERANCE)),
      shortestMs: msForQueue(slo, SCOUT_TOLERANCE),
    });
  }

  /** How long a stretch is at this rate, in ms. */
  stretchMs(ratePerSecond: number): number {
    const forRequestsMs = (this.#parts.fewestRequests / ratePerSecond) * 1000;
    return Math.max(this.#parts.shortestMs, forRequestsMs) / FEWEST_STRETCHES;
  }

  /** Counted time of the longest trial at this rate, in ms. */
  longestMs(ratePerSecond: number): number {
    return this.stretchMs(ratePerSecond) * this.#parts.looks.at(-1)!;
  }

  /** The verdict once it can be told from the stretches so far; undefined before. */
  judge(stretches: readonly Counts[], ratePerSecond: number): Verdict | undefined {
    const { looks, confidence, slo } = this.#parts;
    const allowed = allowedShare(slo);
    const expected = (ratePerSecond * this.longestMs(ratePerSecond)) / 1000;
    const late = stretches.reduce((sum, stretch) => sum + stretch.late, 0);
    if (late > allowed * expected) return 'missed'; // were all the rest in time, it would not help
    if (!looks.includes(stretches.length)) return undefined;
    const [low, high] = lateShare(stretches, confidence).interval;
    if (high <= allowed) return 'held';
    if (low > allowed) return 'missed';
    return stretches.length === looks.at(-1) ? 'undecided' : undefined;
  }

  /** What the stretches tell of the share of late requests; null where no request was due. */
  estimate(stretches: readonly Counts[]): LateShare | null {
    const any = stretches.length > 1 && stretches.some(({ requests }) => requests > 0);
    return any ? lateShare(stretches, this.#parts.confidence) : null;
  }
}

function allowedShare({ percentile }: Slo): number {
  return (100 - percentile) / 100;
}

function msForQueue({ ms }: Slo, tolerance: number): number {
  return (HALVES_OF_TOLERANCE * ms) / tolerance;
}

function requestsForQueue(tolerance: number): number {
  return (HALVES_OF_TOLERANCE / tolerance) ** 2;
}
