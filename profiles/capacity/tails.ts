import { configKey } from '../config.ts';
import type { Cell, Latency, ProfileTable } from '../table.ts';

/** One p99 as it was found, and of how many samples; none where the cell was predicted. */
export interface TailSample {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly samples: number;
}

/** Percentiles that a table tells or is asked for, and the samples of which one is beyond them. */
const NEEDED_SAMPLES = { p95: 20, p99: 100, 'p99.9': 1000 } as const;

/** Of a normal distribution, both sides: 1.96 standard errors are exceeded once in twenty times. */
const STANDARD_ERRORS: readonly (readonly [level: number, errors: number])[] = [
  [0.9, 1.645],
  [0.95, 1.96],
  [0.99, 2.576],
];

/** ln 50: from the median to the 99th percentile of an exponential distribution of scale 1. */
const FULL_TAIL = Math.log(50);
/** A cell's scale differs from another's by a fifth at least, however alike those seen are. */
const LEAST_SPREAD = 0.2;
/** So far where there are too few cells to tell. */
const USUAL_SPREAD = 0.5;
/** A tail that nobody has seen: p99 at 1.2 times the median. */
const UNSEEN_SCALE = Math.log(1.2) / FULL_TAIL;
/** No quicker tail is believed: timers and interrupts alone make as much. */
const LEAST_SCALE = Math.log(1.01) / FULL_TAIL;
/** Standard error of the median of `n` samples on the log scale, times √n, in scales: 1.25 σ. */
const MEDIAN_ERROR = 1.25 * (FULL_TAIL / 2.33);

/**
 * Where the true p99 of each of comparable cells is, with the confidence asked for.
 *
 * Beyond the median, the logarithm of a time is taken to be exponential: with scale `s`, p99 lies at
 * `p50·e^(3.91 s)`. The largest of `m` such excesses is `s·H_m` on average (`H` is the harmonic number), the
 * `j`-th largest `s·(H_m − H_(j−1))`, with variance `s²·Σ 1/k²` for k = j…m (A. Rényi, "On the theory of
 * order statistics", 1953). So `n` samples, with `m = n/2` excesses, tell of a cell's scale
 * `ln(p99/p50) / e(n)`, with the relative variance `v(n)/e(n)²`: three samples, whose p99 is about their
 * maximum, tell little, and a thousand nearly all.
 *
 * What a cell tells is shrunk towards what all tell together by as much as it is uncertain (empirical Bayes:
 * B. Efron and C. Morris, "Data analysis using Stein's estimator and its generalizations", 1975). How far
 * true scales differ from cell to cell is found by the method of moments (R. DerSimonian and N. Laird,
 * "Meta-analysis in clinical trials", 1986).
 *
 * @param level of the interval: 0.9, 0.95 or 0.99; the nearest counts
 * @returns `[low, high]` in ms for each
 */
export function tailIntervals(cells: readonly TailSample[], level: number): [number, number][] {
  const seen = cells.map(({ p50Ms, p99Ms, samples }) => {
    const { expected, variance } = orderStatistic(samples);
    const scale = expected === 0 ? 0 : Math.log(Math.max(1, p99Ms / p50Ms)) / expected;
    /** In units of 1/scale². */
    return { scale, weight: expected === 0 ? 0 : expected ** 2 / variance };
  });
  const pooled = pool(seen);
  const errors = errorsOf(level);
  return cells.map(({ p50Ms, p99Ms, samples }, index) => {
    const { scale, weight } = seen[index]!;
    const prior = 1 / (pooled.spread ** 2 + pooled.error ** 2);
    const believed = Math.max(LEAST_SCALE, (weight * scale + prior * pooled.scale) / (weight + prior));
    const relativeError = 1 / Math.sqrt(weight + prior);
    const tail = FULL_TAIL * believed;
    // a cell that was predicted has an interval of its own for all of its times
    const medianError = samples === 0 ? 0 : (MEDIAN_ERROR * believed) / Math.sqrt(samples);
    const half = errors * Math.hypot(tail * relativeError, medianError);
    const high = p50Ms * Math.exp(tail + half);
    const low = p50Ms * Math.exp(Math.max(0, tail - half));
    // what was seen was possible
    return [Math.min(low, p99Ms), samples === 0 ? high : Math.max(high, p99Ms)];
  });
}

interface Pooled {
  readonly scale: number;
  /** How far a cell's scale is from it, as a share of it, beside what is due to few samples. */
  readonly spread: number;
  /** Its own standard error, as a share. */
  readonly error: number;
}

function pool(seen: readonly { scale: number; weight: number }[]): Pooled {
  const known = seen.filter(({ weight }) => weight > 0);
  const sum = (of: (each: (typeof known)[number]) => number): number =>
    known.reduce((total, each) => total + of(each), 0);
  const weights = sum(({ weight }) => weight);
  if (known.length === 0) return { scale: UNSEEN_SCALE, spread: USUAL_SPREAD, error: USUAL_SPREAD };
  const first = Math.max(LEAST_SCALE, sum(({ scale, weight }) => weight * scale) / weights);
  const squares = sum(({ scale, weight }) => weight * (scale / first - 1) ** 2);
  const freedom = weights - sum(({ weight }) => weight ** 2) / weights;
  const variance = known.length < 3 ? USUAL_SPREAD ** 2 : (squares - (known.length - 1)) / freedom;
  const spread = Math.max(LEAST_SPREAD, Math.sqrt(Math.max(0, variance)));
  // with what is between them, cells of many samples count for little more than others
  const shared = ({ weight }: { weight: number }): number => 1 / (1 / weight + spread ** 2);
  const total = sum(shared);
  const scale = Math.max(LEAST_SCALE, sum((each) => shared(each) * each.scale) / total);
  return { scale, spread, error: 1 / Math.sqrt(total) };
}

/** Of p99 of so many samples (type 7, as tables have it), beyond the median, for a scale of 1. */
function orderStatistic(samples: number): { expected: number; variance: number } {
  const excesses = samples / 2;
  if (excesses < 1) return { expected: 0, variance: 1 };
  const fromTop = 0.01 * (samples - 1);
  const expected = harmonic(excesses) - harmonic(fromTop);
  return { expected, variance: Math.max(1e-9, inverseSquares(fromTop) - inverseSquares(excesses)) };
}

const EULER = 0.577_215_664_9;

/** Harmonic numbers, between whole ones as the digamma function has them: exact to a thousandth. */
function harmonic(n: number): number {
  let shift = 0;
  let x = n;
  for (; x < 6; x += 1) shift += 1 / (x + 1);
  return Math.log(x) + EULER + 1 / (2 * x) - 1 / (12 * x * x) - shift;
}

/** Σ 1/k² for k > n: the trigamma function. */
function inverseSquares(n: number): number {
  let sum = 0;
  let x = n;
  for (; x < 6; x += 1) sum += 1 / (x + 1) ** 2;
  return sum + 1 / x - 1 / (2 * x * x) + 1 / (6 * x ** 3);
}

function errorsOf(level: number): number {
  return STANDARD_ERRORS.reduce((best, each) =>
    Math.abs(each[0] - level) < Math.abs(best[0] - level) ? each : best,
  )[1];
}

/**
 * A table whose cells tell where their true p99 may be, and which percentiles are beyond their samples.
 * Comparable are cells of one CPU quota and GPU share, because throttling makes tails; of a quota with few
 * cells, all.
 */
export function withTails(table: ProfileTable): ProfileTable {
  const { level } = table.confidence;
  const intervals = new Map<string, [number, number]>();
  for (const cells of comparable(table.cells)) {
    const found = tailIntervals(cells.map(tailOf), level);
    for (const [index, cell] of cells.entries()) intervals.set(configKey(cell), found[index]!);
  }
  return {
    ...table,
    cells: table.cells.map((cell) => ({
      ...cell,
      latencyMs: told(cell.latencyMs, cell.samples, intervals.get(configKey(cell))!),
      ...(cell.otherPeriods === undefined ? {} : { otherPeriods: otherTails(cell.otherPeriods, level) }),
    })),
  };
}

/** A quota of fewer cells says little of how they differ. */
const FEWEST_COMPARABLE = 3;

function comparable(cells: readonly Cell[]): Cell[][] {
  const byQuota = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${cell.cpuMillicores}/${cell.gpuPercent}`;
    const group = byQuota.get(key);
    if (group === undefined) byQuota.set(key, [cell]);
    else group.push(cell);
  }
  const groups = [...byQuota.values()];
  const few = groups.filter((group) => group.length < FEWEST_COMPARABLE);
  return [...groups.filter((group) => !few.includes(group)), ...(few.length === 0 ? [] : [few.flat()])];
}

/** Beside a cell of the same config: what it was under one period tells nothing of another. */
function otherTails(periods: NonNullable<Cell['otherPeriods']>, level: number): typeof periods {
  return periods.map((other) => ({
    ...other,
    latencyMs: told(other.latencyMs, other.samples, tailIntervals([tailOf(other)], level)[0]!),
  }));
}

function tailOf({ latencyMs, samples }: Pick<Cell, 'latencyMs' | 'samples'>): TailSample {
  return { p50Ms: latencyMs.p50, p99Ms: latencyMs.p99, samples };
}

function told(latency: Latency, samples: number, p99Interval: [number, number]): Latency {
  const { extrapolated: _, ...rest } = latency;
  const names = Object.keys(NEEDED_SAMPLES) as (keyof typeof NEEDED_SAMPLES)[];
  const extrapolated = names.filter((name) => samples < NEEDED_SAMPLES[name]);
  return { ...rest, p99Interval, ...(extrapolated.length === 0 ? {} : { extrapolated }) };
}

/**
 * Whether a table tells the percentile that a function is planned by, as sentences; of p99 it is planned with
 * the upper end of the interval.
 *
 * @param file where the table is
 */
export function tailWarnings({ cells }: ProfileTable, file: string, percentile: number): readonly string[] {
  if (percentile <= 99) return [];
  const beyond = cells.filter(({ latencyMs }) => latencyMs.extrapolated?.includes('p99.9') === true).length;
  if (beyond === 0) return [];
  const which = beyond === cells.length ? 'in any of its cells' : `in ${beyond} of its ${cells.length} cells`;
  return [
    `Profile table ${file} cannot tell percentile ${percentile} ${which}: it takes ${NEEDED_SAMPLES['p99.9']} samples. There it is extrapolated.`,
  ];
}
