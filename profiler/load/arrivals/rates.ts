import { InflessError } from '../../../models/base/errors.ts';
import { parseDurationMs } from '../../../models/base/units.ts';

/** A stretch of time over which the rate, in requests per second, changes linearly. */
export interface RatePiece {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fromRate: number;
  readonly toRate: number;
}

/** A rate over time: pieces in order, without gaps, from 0 on. */
export type RateCurve = readonly RatePiece[];

export function constantRate(rate: number, durationMs: number): RateCurve {
  return [{ fromMs: 0, toMs: durationMs, fromRate: rate, toRate: rate }];
}

/** Each rate held for one interval: what a trace file says. */
export function steppedRate(rates: readonly number[], intervalMs: number): RateCurve {
  return rates.map((rate, index) => ({
    fromMs: index * intervalMs,
    toMs: (index + 1) * intervalMs,
    fromRate: rate,
    toRate: rate,
  }));
}

export interface RatePoint {
  readonly atMs: number;
  readonly rate: number;
}

/**
 * Straight lines between points of ascending time; before the first point its rate, after the last one that
 * point's rate, up to `untilMs` where given.
 */
export function rampedRate(points: readonly RatePoint[], untilMs = 0): RateCurve {
  const first = points[0];
  const last = points[points.length - 1];
  if (first === undefined || last === undefined) return [];
  const lines = points.slice(1).map((point, index) => ({
    fromMs: points[index]!.atMs,
    toMs: point.atMs,
    fromRate: points[index]!.rate,
    toRate: point.rate,
  }));
  const lead = { fromMs: 0, toMs: first.atMs, fromRate: first.rate, toRate: first.rate };
  const tail = { fromMs: last.atMs, toMs: untilMs, fromRate: last.rate, toRate: last.rate };
  return [lead, ...lines, tail].filter((piece) => piece.toMs > piece.fromMs);
}

/** Reads `10@0s,50@10s,10@30s`: requests per second at moments. */
export function parseRamp(text: string): readonly RatePoint[] {
  const points = text.split(',').map((part) => {
    const [rate, at, ...rest] = part.trim().split('@');
    if (at === undefined || rest.length > 0) throw rampError(text, `"${part}" is not RATE@TIME`);
    return {
      rate: parseRate(rate!, `rate in ramp "${text}"`),
      atMs: parseDurationMs(at, 'time in the ramp'),
    };
  });
  if (points.length < 2) throw rampError(text, 'it takes two points or more');
  const disordered = points.findIndex((point, index) => index > 0 && point.atMs <= points[index - 1]!.atMs);
  if (disordered !== -1) throw rampError(text, 'times must ascend');
  return points;
}

function rampError(text: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `Ramp "${text}" cannot be read: ${why}`, {
    remedy: 'Write rates at times, like 10@0s,50@10s,10@30s.',
  });
}

/** Reads a rate in requests per second. */
export function parseRate(text: string, what = 'rate'): number {
  const rate = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(rate) && rate >= 0) return rate;
  throw new InflessError('INVALID_INPUT', `The ${what} "${text}" is not a number of requests per second`, {
    remedy: 'Write a number, like 50 or 0.5.',
  });
}

export function durationOf(curve: RateCurve): number {
  return curve[curve.length - 1]?.toMs ?? 0;
}

/** Requests expected over the whole curve. */
export function totalCount(curve: RateCurve): number {
  return curve.reduce((sum, piece) => sum + countIn(piece), 0);
}

/** The curve up to a moment; the last piece is cut on its line. */
export function cutRate(curve: RateCurve, durationMs: number): RateCurve {
  return curve
    .filter((piece) => piece.fromMs < durationMs)
    .map((piece) =>
      piece.toMs <= durationMs
        ? piece
        : {
            ...piece,
            toMs: durationMs,
            toRate: piece.fromRate + slope(piece) * (durationMs - piece.fromMs),
          },
    );
}

export function scaleRate(curve: RateCurve, factor: number): RateCurve {
  return curve.map((piece) => ({
    ...piece,
    fromRate: piece.fromRate * factor,
    toRate: piece.toRate * factor,
  }));
}

/** Requests expected within a piece. */
export function countIn({ fromMs, toMs, fromRate, toRate }: RatePiece): number {
  return (((fromRate + toRate) / 2) * (toMs - fromMs)) / 1000;
}

/**
 * When a piece has brought `count` requests, in ms on the curve's time: the root of the quadratic that the
 * integrated rate is, in the form that stays exact where the slope vanishes.
 */
export function timeOfCount(piece: RatePiece, count: number): number {
  const thousandCount = count * 1000;
  const root = Math.sqrt(Math.max(0, piece.fromRate ** 2 + 2 * slope(piece) * thousandCount));
  return piece.fromMs + (2 * thousandCount) / (piece.fromRate + root);
}

/** Requests per second, per millisecond. */
function slope({ fromMs, toMs, fromRate, toRate }: RatePiece): number {
  return (toRate - fromRate) / (toMs - fromMs);
}
