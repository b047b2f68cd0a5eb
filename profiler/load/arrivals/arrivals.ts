import { randomGamma } from 'd3-random';
import { type Random, randomOf, type Seed } from '../../../models/base/random.ts';
import { countIn, type RateCurve, type RatePiece, timeOfCount } from './rates.ts';

/**
 * Arrival times in milliseconds from the start, ascending, one by one as they are asked for. The same seed
 * gives the same times on every machine.
 *
 * A changing rate keeps the process's character by time-rescaling: intervals are drawn for rate 1, and each
 * is stretched over the stretch of the curve that is expected to bring as many arrivals.
 */
export function* arrivals(
  curve: RateCurve,
  process: ArrivalProcess,
  seed: Seed,
): Generator<number, void, undefined> {
  const intervals = renewal(process, randomOf(seed));
  let untilNext = intervals.first();
  let lastMs = 0; // bursts put arrivals closer together than solving the curve for time is exact
  for (const piece of curve) {
    const total = countIn(piece);
    let count = 0;
    while (count + untilNext < total) {
      count += untilNext;
      lastMs = Math.max(lastMs, withinPiece(piece, timeOfCount(piece, count)));
      yield lastMs;
      untilNext = intervals.next();
    }
    untilNext -= total - count;
  }
}

/** Rounding must not carry an arrival over a piece's end, before those of the next piece. */
function withinPiece(piece: RatePiece, timeMs: number): number {
  return Math.min(timeMs, piece.toMs);
}

/** How arrivals spread around their rate. `cv`: the coefficient of variation of the intervals, above zero. */
export type ArrivalProcess =
  | { readonly type: 'constant' }
  | { readonly type: 'poisson' }
  | { readonly type: 'gamma'; readonly cv: number };

/**
 * Independent intervals of mean 1. The first one, from time zero, is drawn so that the process looks as if it
 * had been running for ever: otherwise bursty arrivals would start every test with a burst.
 */
export interface Renewal {
  first(): number;
  next(): number;
}

export function renewal(process: ArrivalProcess, random: Random): Renewal {
  switch (process.type) {
    case 'constant':
      return { first: () => 0.5, next: () => 1 };
    case 'poisson':
      return gammaRenewal(1, random);
    case 'gamma':
      return gammaRenewal(process.cv, random);
  }
}

/**
 * Gamma-distributed intervals. The interval that an arbitrary moment falls into is found with a probability
 * in proportion to its length, which for a gamma distribution means one more in shape; the moment is anywhere
 * in it.
 */
function gammaRenewal(cv: number, random: Random): Renewal {
  const gamma = randomGamma.source(random);
  const scale = cv * cv;
  const shape = 1 / scale;
  const covering = gamma(shape + 1, scale);
  return { first: () => random() * covering(), next: gamma(shape, scale) };
}
