import type { Latency } from '../../profiles/table.ts';

/** By quantile in [0, 1): how long a batch takes, in ms. Ascending. */
export type Quantiles = (quantile: number) => number;

/** Steps of the numerical integrals; the share of the mean that they miss is below 10⁻⁴. */
const STEPS = 400;
/** Bends of the middle that are tried: below 1 longer times are more frequent, above 1 shorter ones. */
const LEAST_BEND = 0.02;
const MOST_BEND = 50;
const BISECTIONS = 50;

const MIDDLE_FROM = 0.5;
const MIDDLE_TO = 0.95;
const TAIL_FROM = 0.99;

/**
 * The distribution of a cell of a profile table, of which its p50, p95, p99 and mean come out again:
 *
 * - below p50 a power curve from the minimum to p50, bent so that the mean comes out;
 * - from p50 to p95 and on to p99 straight in −ln(1−q), as {@link ProfileView.executionMs} has it, where an
 *   exponential tail is a line;
 * - beyond p99 the line goes on without end: p99.9 is p99 + (p99 − p95) · ln 10 / ln 5, a third quantile of
 *   the same exponential.
 *
 * Where the lower half alone cannot account for the mean (a batch that its quota stops now and then), the
 * middle is bent as well, and where that is not enough, the tail is stretched. A cell that tells only one
 * time takes that time always.
 */
export function distributionOf({ mean, p50, p95: told95, p99: told99, min: toldMin }: Latency): Quantiles {
  const p95 = Math.max(p50, told95);
  const p99 = Math.max(p95, told99);
  if (!hasSpread({ mean, p50, p95, p99, min: toldMin })) return () => p50;
  const slope = (p99 - p95) / (tail(TAIL_FROM) - tail(MIDDLE_TO));
  const above = meanBetween(MIDDLE_TO, TAIL_FROM, (q) => p95 + slope * (tail(q) - tail(MIDDLE_TO)));
  const below = (lowerMean: number, bend: number, stretch: number): number =>
    MIDDLE_FROM * lowerMean +
    meanBetween(MIDDLE_FROM, MIDDLE_TO, (q) => middle(q, p50, p95, bend)) +
    above +
    (1 - TAIL_FROM) * (p99 + slope + stretch);
  const wanted = (mean - below(0, 1, 0)) / MIDDLE_FROM;
  // A minimum that is the median or the mean was not measured: the table was imported without one.
  const isTold = toldMin < p50 && toldMin !== mean;
  const min = isTold ? toldMin : Math.min(p50, toldMin, Math.max(0, 2 * wanted - p50));
  const lowerMean = Math.min(p50, Math.max(min, wanted));
  const bend = wanted === lowerMean ? 1 : bendFor(mean, (tried) => below(lowerMean, tried, 0));
  const stretch = Math.max(0, (mean - below(lowerMean, bend, 0)) / (1 - TAIL_FROM));
  const isBent = bend !== 1;
  return (quantile) => {
    if (quantile < MIDDLE_FROM) return lower(quantile / MIDDLE_FROM, min, p50, lowerMean);
    if (quantile < MIDDLE_TO) return middle(quantile, p50, p95, isBent ? bend : 1);
    if (quantile < TAIL_FROM) return p95 + slope * (tail(quantile) - tail(MIDDLE_TO));
    return p99 + (slope + stretch) * (tail(quantile) - tail(TAIL_FROM));
  };
}

/** Whether a cell tells more than one time. */
export function hasSpread({
  mean,
  p50,
  p95,
  p99,
  min,
}: Pick<Latency, 'mean' | 'p50' | 'p95' | 'p99' | 'min'>): boolean {
  return [mean, p95, p99, min].some((each) => Math.abs(each - p50) > 1e-9 * p50);
}

/** What is exponential is straight in this. */
function tail(quantile: number): number {
  return -Math.log1p(-quantile);
}

/** min + (p50 − min)·uᵏ, whose mean is min + (p50 − min) / (k + 1). */
function lower(share: number, min: number, p50: number, mean: number): number {
  if (mean <= min) return min;
  return min + (p50 - min) * share ** ((p50 - min) / (mean - min) - 1);
}

function middle(quantile: number, p50: number, p95: number, bend: number): number {
  const share = (tail(quantile) - tail(MIDDLE_FROM)) / (tail(MIDDLE_TO) - tail(MIDDLE_FROM));
  return p50 + (p95 - p50) * (bend === 1 ? share : share ** bend);
}

/** The bend with which the mean comes out, or the one that comes nearest. */
function bendFor(mean: number, meanWith: (bend: number) => number): number {
  let [least, most] = [LEAST_BEND, MOST_BEND];
  for (let step = 0; step < BISECTIONS; step += 1) {
    const bend = Math.sqrt(least * most);
    if (meanWith(bend) > mean) least = bend;
    else most = bend;
  }
  return Math.sqrt(least * most);
}

/** ∫ over a stretch of quantiles, by midpoints. */
function meanBetween(from: number, to: number, at: Quantiles): number {
  const width = (to - from) / STEPS;
  let sum = 0;
  for (let step = 0; step < STEPS; step += 1) sum += at(from + (step + 0.5) * width);
  return sum * width;
}
