import { type ArrivalProcess, arrivals } from '../../profiler/load/arrivals/arrivals.ts';
import type { RateCurve } from '../../profiler/load/arrivals/rates.ts';

/** A stream of requests, the same for the same seed. */
export interface RequestStream {
  readonly curve: RateCurve;
  readonly process?: ArrivalProcess;
  readonly seed?: number;
}

/**
 * Lets the requests come one after the other, and looks at some moments of the stream, in ms from its
 * beginning.
 */
export function replay<Look>(
  { curve, process = { type: 'poisson' }, seed = 1 }: RequestStream,
  momentsMs: readonly number[],
  arrive: (atMs: number) => void,
  look: (atMs: number) => Look,
): Look[] {
  const stream = arrivals(curve, process, seed);
  let next = stream.next();
  return momentsMs.map((momentMs) => {
    for (; !next.done && next.value <= momentMs; next = stream.next()) arrive(next.value);
    return look(momentMs);
  });
}

/** Moments at equal distances. */
export function every(stepMs: number, untilMs: number, fromMs = stepMs): number[] {
  const moments: number[] = [];
  for (let momentMs = fromMs; momentMs <= untilMs; momentMs += stepMs) moments.push(momentMs);
  return moments;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
