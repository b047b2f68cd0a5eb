import { seededRandom } from '../../../models/base/random.ts';
import { type ArrivalProcess, renewal } from '../renewal.ts';
import { countIn, type RateCurve, type RatePiece, timeOfCount } from './rates.ts';

/**
 * Arrival times in milliseconds from the start, ascending, one by one as they are asked for. The same seed gives
 * the same times on every machine.
 *
 * A changing rate keeps the process's character by time-rescaling: intervals are drawn for rate 1, and each is
 * stretched over the stretch of the curve that is expected to bring as many arrivals.
 */
export function* arrivals(
  curve: RateCurve,
  process: ArrivalProcess,
  seed: number,
): Generator<number, void, undefined> {
  const intervals = renewal(process, seededRandom(seed));
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
