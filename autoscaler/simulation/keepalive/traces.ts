import { randomExponential, randomGeometric, randomNormal } from 'd3-random';
import { namedRandom, type Random } from '../../../models/base/random.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { countIn, scaleRate, steppedRate } from '../../../profiler/load/arrivals/rates.ts';

/** Arrivals of one function, in ms from the beginning, ascending. */
export type FunctionArrivals = readonly number[];

export interface TraceOptions {
  readonly functions: number;
  readonly durationMs: number;
  readonly seed: number;
}

/**
 * Makes the arrivals of one function: `share` in (0, 1) says where it stands among the functions of its
 * trace.
 */
type Generator = (share: number, durationMs: number, random: Random) => number[];

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Requests at random (Poisson), minutes to hours apart. */
const sporadic: Generator = (share, durationMs, random) => {
  const gap = randomExponential.source(random)(1 / between(3 * MINUTE_MS, 120 * MINUTE_MS, share));
  return renewals(gap, durationMs);
};

/**
 * Timers of 5 minutes to 4 hours whose ticks stray by 1 to 8 % of the period, and of which one in fifty is
 * left out.
 */
const periodic: Generator = (share, durationMs, random) => {
  const periods = [5, 10, 15, 20, 30, 45, 60, 90, 120, 240];
  const periodMs = periods[Math.floor(share * periods.length)]! * MINUTE_MS;
  const stray = randomNormal.source(random)(0, (0.01 + 0.07 * random()) * periodMs);
  const phaseMs = random() * periodMs;
  const ticks: number[] = [];
  for (let tickMs = phaseMs; tickMs < durationMs; tickMs += periodMs) {
    const atMs = tickMs + stray();
    if (random() >= 0.02 && atMs >= 0 && atMs < durationMs) ticks.push(atMs);
  }
  return ticks.sort(ascending);
};

/**
 * Bursts of about ten requests, seconds apart; the bursts come at random, 10 minutes to 4 hours apart, and
 * rarely at night.
 */
const bursty: Generator = (share, durationMs, random) => {
  const pauseMs = between(10_000, MINUTE_MS, random());
  const pause = randomExponential.source(random)(1 / pauseMs);
  const size = randomGeometric.source(random)(0.1);
  const gap = randomExponential.source(random)(2 / between(10 * MINUTE_MS, 240 * MINUTE_MS, share));
  const noonMs = random() * DAY_MS;
  const times: number[] = [];
  for (let burstMs = gap(); burstMs < durationMs; burstMs += gap()) {
    const daylight = (1 + Math.cos((2 * Math.PI * (burstMs - noonMs)) / DAY_MS)) / 2;
    if (random() >= daylight) continue;
    let atMs = burstMs;
    for (let left = size(); left > 0 && atMs < durationMs; left -= 1) {
      times.push(atMs);
      atMs += pause();
    }
  }
  return times.sort(ascending);
};

/**
 * Functions that change their ways every few hours: from timer to random and back, each time with another
 * mean gap.
 */
const shifting: Generator = (_share, durationMs, random) => {
  const stay = randomExponential.source(random)(1 / (6 * 60 * MINUTE_MS));
  const times: number[] = [];
  for (let fromMs = 0; fromMs < durationMs; ) {
    const untilMs = Math.min(durationMs, fromMs + 2 * 60 * MINUTE_MS + stay());
    const meanMs = between(2 * MINUTE_MS, 60 * MINUTE_MS, random());
    const spread = random() < 0.5 ? 0.05 : 1;
    const gap = randomExponential.source(random)(1 / meanMs);
    const next = (): number => (1 - spread) * meanMs + spread * gap();
    for (let atMs = fromMs + next(); atMs < untilMs; atMs += next()) times.push(atMs);
    fromMs = untilMs;
  }
  return times;
};

const GENERATORS = { sporadic, periodic, bursty, shifting } as const;
export type SyntheticTraceName = keyof typeof GENERATORS;
export const SYNTHETIC_TRACES = Object.keys(GENERATORS) as readonly SyntheticTraceName[];

/** The arrivals of many functions of one kind; the same seed gives the same on every machine. */
export function syntheticTrace(
  name: SyntheticTraceName,
  { functions, durationMs, seed }: TraceOptions,
): FunctionArrivals[] {
  return Array.from({ length: functions }, (_, index) =>
    GENERATORS[name](
      (index + 0.5) / functions,
      durationMs,
      namedRandom(seed, 'keep-alive trace', name, String(index)),
    ),
  );
}

/**
 * Poisson arrivals that follow recorded rates, scaled so that requests are 2 minutes to 2 hours apart on
 * average: one function each, of the same shape and another seed.
 *
 * @param rates one an interval, in any unit
 */
export function sparseTrace(
  rates: readonly number[],
  intervalMs: number,
  { functions, seed }: Pick<TraceOptions, 'functions' | 'seed'>,
): FunctionArrivals[] {
  const curve = steppedRate(rates, intervalMs);
  const expected = curve.reduce((sum, piece) => sum + countIn(piece), 0);
  return Array.from({ length: functions }, (_, index) => {
    const gapMs = between(2 * MINUTE_MS, 120 * MINUTE_MS, (index + 0.5) / functions);
    const scaled = scaleRate(curve, (rates.length * intervalMs) / gapMs / expected);
    return [...arrivals(scaled, { type: 'poisson' }, namedRandom(seed, 'sparse trace', String(index)))];
  });
}

function renewals(gap: () => number, durationMs: number): number[] {
  const times: number[] = [];
  for (let atMs = gap(); atMs < durationMs; atMs += gap()) times.push(atMs);
  return times;
}

/** From one value to the other, evenly in their logarithm. */
function between(from: number, to: number, share: number): number {
  return from * (to / from) ** share;
}

function ascending(a: number, b: number): number {
  return a - b;
}
