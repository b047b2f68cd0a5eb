import type { Latency } from './table.ts';

/** Below this many samples, batches would be too few for an interval: samples then count as independent. */
const FEWEST_SAMPLES_FOR_BATCHES = 20;
const FEWEST_BATCHES = 10;
/** More batches hardly narrow the interval, but shorter ones are correlated again (Schmeiser 1982). */
const MOST_BATCHES = 30;

/**
 * The quantile of sorted values, linear between neighbours (type 7 of Hyndman and Fan, as in NumPy and R).
 *
 * @param sorted ascending, at least one
 * @param q in [0, 1]
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) throw new RangeError('A quantile needs at least one value.');
  const position = Math.min(Math.max(q, 0), 1) * (sorted.length - 1);
  const index = Math.floor(position);
  const below = sorted[index]!;
  const above = sorted[Math.min(index + 1, sorted.length - 1)]!;
  return below + (above - below) * (position - index);
}

/**
 * Describes latencies in the order in which they were measured: the order matters to the confidence interval.
 *
 * Successive runs resemble each other (caches, throttling periods, neighbours), so the usual interval would
 * claim too much. The mean's interval is that of batch means: 10 to 30 consecutive batches whose means are
 * nearly independent, with Student's t. Under 20 samples it falls back to single samples, and one sample
 * alone says nothing: its interval is all positive numbers.
 *
 * @param samplesMs positive latencies, at least one
 * @param level of the confidence interval, such as 0.95
 */
export function summarize(samplesMs: readonly number[], level: number): Latency {
  const sorted = Float64Array.from(samplesMs).sort();
  const mean = meanOf(samplesMs);
  return {
    mean,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
    standardDeviation: standardDeviation(samplesMs, mean),
    meanInterval: meanInterval(samplesMs, mean, level),
  };
}

/** Latencies that are so many times as long. */
export function scaleLatency(latency: Latency, factor: number): Latency {
  const longer = withTimes(latency, (ms) => ms * factor);
  return { ...longer, standardDeviation: latency.standardDeviation * factor };
}

/** Latencies with a time added that does not vary. */
export function shiftLatency(latency: Latency, addedMs: number): Latency {
  return withTimes(latency, (ms) => ms + addedMs);
}

function withTimes(latency: Latency, of: (ms: number) => number): Latency {
  const { mean, p50, p95, p99, min, max, meanInterval, p99Interval } = latency;
  const both = ([low, high]: readonly [number, number]): [number, number] => [of(low), of(high)];
  return {
    ...latency,
    mean: of(mean),
    p50: of(p50),
    p95: of(p95),
    p99: of(p99),
    min: of(min),
    max: of(max),
    meanInterval: both(meanInterval),
    ...(p99Interval === undefined ? {} : { p99Interval: both(p99Interval) }),
  };
}

/** Half the width of the mean's confidence interval over the mean: 0.03 = ±3 %. */
export function relativeError(latency: Latency): number {
  // The upper side only: the lower one may have been cut off at zero.
  return (latency.meanInterval[1] - latency.mean) / latency.mean;
}

function meanInterval(samples: readonly number[], mean: number, level: number): [number, number] {
  if (samples.length < 2) return [Number.EPSILON, Number.MAX_VALUE];
  const means = batchMeans(samples);
  const standardError = standardDeviation(means, mean) / Math.sqrt(means.length);
  const half = studentT(level, means.length - 1) * standardError;
  // a latency's mean is above zero, whatever the interval
  return [Math.max(mean - half, Number.EPSILON), mean + half];
}

function batchMeans(samples: readonly number[]): readonly number[] {
  if (samples.length < FEWEST_SAMPLES_FOR_BATCHES) return samples;
  const wanted = Math.floor(Math.sqrt(samples.length));
  const count = Math.min(Math.max(wanted, FEWEST_BATCHES), MOST_BATCHES);
  const edge = (index: number): number => Math.floor((index * samples.length) / count);
  return Array.from({ length: count }, (_, index) => meanOf(samples.slice(edge(index), edge(index + 1))));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function standardDeviation(values: readonly number[], mean: number): number {
  if (values.length < 2) return 0;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * P(|T| ≤ t) of Student's t with `degrees` degrees of freedom: the finite series for whole degrees
 * (Abramowitz and Stegun 26.7.3 and 26.7.4), exact up to rounding.
 */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const series = Math.sin(angle) * sum;
  return odd ? (2 / Math.PI) * (angle + series) : series;
}

/**
 * The half-width, in standard errors, of a two-sided confidence interval: `studentT(0.95, 9)` is 2.262.
 *
 * @param level in (0, 1)
 * @param degrees degrees of freedom, whole and at least 1
 */
export function studentT(level: number, degrees: number): number {
  let high = 1;
  while (centralProbability(high, degrees) < level) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  // Bisection: 60 halvings reach the last bit, and no one calls this in a loop that matters.
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
