import type { Seed } from '../../../models/base/random.ts';
import { type ArrivalProcess, arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import {
  constantRate,
  durationOf,
  type RateCurve,
  totalCount,
} from '../../../profiler/load/arrivals/rates.ts';

/** Who calls a function when: by a rate, around which arrivals are drawn, or at recorded times. */
export type Load =
  | { readonly type: 'rate'; readonly curve: RateCurve }
  /** Ascending, in ms from the start. */
  | { readonly type: 'times'; readonly timesMs: Float64Array };

/** A burst shorter than this is no level of the load that its peak should tell. */
const PEAK_WINDOW_MS = 10_000;

export function durationMsOf(load: Load): number {
  return load.type === 'rate' ? durationOf(load.curve) : (load.timesMs.at(-1) ?? 0) + 1;
}

/** Requests expected until a moment. */
export function expectedRequests(load: Load, durationMs: number): number {
  if (load.type === 'times') return load.timesMs.filter((atMs) => atMs < durationMs).length;
  return totalCount(load.curve.filter(({ fromMs }) => fromMs < durationMs));
}

/** Highest rate in requests per second: of recorded times over 10 s. */
export function peakPerSecond(load: Load): number {
  if (load.type === 'rate') {
    return load.curve.reduce((peak, piece) => Math.max(peak, piece.fromRate, piece.toRate), 0);
  }
  const { timesMs } = load;
  let peak = 0;
  let from = 0;
  timesMs.forEach((atMs, index) => {
    while (timesMs[from]! <= atMs - PEAK_WINDOW_MS) from += 1;
    peak = Math.max(peak, index - from + 1);
  });
  return (peak * 1000) / PEAK_WINDOW_MS;
}

/** How bursty the arrivals are; of recorded ones nothing is assumed but that they are independent. */
export function arrivalCvOf(load: Load, process: ArrivalProcess): number {
  return load.type === 'times' ? 1 : cvOf(process);
}

/** Coefficient of variation of the intervals. */
export function cvOf(process: ArrivalProcess): number {
  if (process.type === 'gamma') return process.cv;
  return process.type === 'poisson' ? 1 : 0;
}

/**
 * Arrival times with a warm-up before them, in which the load's first level comes.
 *
 * @param process how arrivals spread around a rate; recorded times are taken as they are
 */
export function* arrivalsOf(
  load: Load,
  process: ArrivalProcess,
  warmUpMs: number,
  seed: Seed,
): Generator<number, void, undefined> {
  if (load.type === 'rate') {
    const warmUp = warmUpMs === 0 ? [] : constantRate(load.curve[0]?.fromRate ?? 0, warmUpMs);
    yield* arrivals([...warmUp, ...delayed(load.curve, warmUpMs)], process, seed);
    return;
  }
  const firstPerSecond = load.timesMs.filter((atMs) => atMs < 60_000).length / 60;
  if (warmUpMs > 0) yield* arrivals(constantRate(firstPerSecond, warmUpMs), process, seed);
  for (const atMs of load.timesMs) yield atMs + warmUpMs;
}

function delayed(curve: RateCurve, byMs: number): RateCurve {
  return curve.map((piece) => ({ ...piece, fromMs: piece.fromMs + byMs, toMs: piece.toMs + byMs }));
}
