import type { Operator } from '../../../models/engines/tracing.ts';
import {
  type Covariance,
  GaussianProcess,
  type GaussianProcessData,
} from '../../../profiles/surface/gaussian-process.ts';
import { fitNonNegative, weightedSum } from './non-negative.ts';
import { isMatrixKind, type Work, workOf } from './work.ts';

/** What an operator took, all threads of a quota being its own. */
export interface OperatorTiming {
  readonly operator: Operator;
  readonly meanMs: number;
}

export interface OperatorEstimate {
  readonly meanMs: number;
  /** Standard deviation of its logarithm. */
  readonly logError: number;
  /** Whether operators of its kind have been seen; else it was judged by what it computes and moves alone. */
  readonly isKnown: boolean;
}

/** A trace counts whole microseconds. */
const RESOLUTION_MS = 0.001;
/** How well a mean is repeated on a host with others on it. */
const REPEATABILITY = 0.05;
/** Where a kind was never seen: the same work may take half or twice as long. */
const UNKNOWN_LOG_ERROR = 0.7;
/** A cubic fit has no use for more; what is left out is spread evenly over the kind. */
const MOST_POINTS = 400;
/** Two sizes of the same kind tell nothing of a third one. */
const FEWEST_OF_KIND = 3;

/**
 * Where in the sizes of all operators a kind is held to what any takes, and how much less that counts than a
 * sample of its own.
 */
const ANCHORS = [0.5, 0.9, 1];
const ANCHOR_WEIGHT = 0.3;

/** How much operators of a kind differ from the roofline, and over how many doublings of their sizes. */
const SHAPES = [0.1, 0.3, 0.6].flatMap((deviation) => [1.5, 3, 6].map((length) => ({ deviation, length })));

/** Times of operators under one number of threads, learned from those that were seen. */
export class OperatorTimes {
  readonly #kinds = new Map<string, Kind>();
  readonly #unknown: Readonly<Record<'matrix' | 'other', readonly number[]>>;

  /** @param timings all under the same number of threads; at least one */
  constructor(timings: readonly OperatorTiming[]) {
    const samples = timings.map(sampleOf);
    const matrix = samples.filter(({ isMatrix }) => isMatrix);
    const other = samples.filter(({ isMatrix }) => !isMatrix);
    this.#unknown = {
      matrix: rooflineOf(matrix.length > 0 ? matrix : samples),
      other: rooflineOf(other.length > 0 ? other : samples),
    };
    for (const [key, own] of groupBy(samples, ({ key }) => key)) {
      if (own.length < FEWEST_OF_KIND) continue;
      const [alike, roofline] = own[0]!.isMatrix
        ? [matrix, this.#unknown.matrix]
        : [other, this.#unknown.other];
      this.#kinds.set(key, new Kind(thinned(own), anchorsOf(alike, roofline)));
    }
  }

  at(operator: Operator): OperatorEstimate {
    const work = workOf(operator);
    const kind = this.#kinds.get(keyOf(operator));
    if (kind !== undefined) return { ...kind.at(work), isKnown: true };
    const roofline = this.#unknown[isMatrixKind(operator.kind) ? 'matrix' : 'other'];
    return { meanMs: weightedSum(roofline, termsOf(work)), logError: UNKNOWN_LOG_ERROR, isKnown: false };
  }
}

interface Sample {
  readonly key: string;
  readonly isMatrix: boolean;
  readonly work: Work;
  readonly meanMs: number;
}

/**
 * Operators of one kind: a roofline (a time each, a time for each operation, a time for each byte), and by
 * how much those of like sizes were off it.
 */
class Kind {
  readonly #roofline: readonly number[];
  readonly #process: GaussianProcess<Work>;

  /** @param anchors by which the roofline goes where there are no samples */
  constructor(samples: readonly Sample[], anchors: readonly Timed[]) {
    this.#roofline = rooflineOf(samples, anchors);
    const data = {
      points: samples.map(({ work }) => work),
      values: samples.map(({ work, meanMs }) =>
        Math.log(meanMs / weightedSum(this.#roofline, termsOf(work))),
      ),
      noise: samples.map(({ meanMs }) => REPEATABILITY ** 2 + (RESOLUTION_MS / meanMs) ** 2),
    };
    const first = likeliest(data);
    // What is slower than its like was disturbed: another process only ever adds time.
    const excess = data.values.map((value, index) => Math.max(0, value - first.at(data.points[index]!).mean));
    this.#process = likeliest({
      ...data,
      noise: data.noise.map((variance, index) => variance + excess[index]! ** 2),
    });
  }

  at(work: Work): Pick<OperatorEstimate, 'meanMs' | 'logError'> {
    const { mean, variance } = this.#process.at(work);
    return {
      meanMs: weightedSum(this.#roofline, termsOf(work)) * Math.exp(mean),
      logError: Math.sqrt(variance),
    };
  }
}

function likeliest(data: GaussianProcessData<Work>): GaussianProcess<Work> {
  const fits = SHAPES.map((shape) => new GaussianProcess(data, likeness(shape)));
  return fits.reduce((best, fit) => (fit.logLikelihood > best.logLikelihood ? fit : best));
}

function likeness({ deviation, length }: { deviation: number; length: number }): Covariance<Work> {
  return (a, b) => {
    const distance = a.dimensions.reduce(
      (sum, size, axis) => sum + Math.log2(size / b.dimensions[axis]!) ** 2,
      0,
    );
    return 0.05 ** 2 + deviation ** 2 * Math.exp(-distance / (2 * length ** 2));
  };
}

function termsOf({ flops, bytes }: Work): readonly number[] {
  return [1, flops, bytes];
}

type Timed = Pick<Sample, 'work' | 'meanMs'>;

/** Errors count as shares of an operator's time: the small ones are many. */
function rooflineOf(samples: readonly Timed[], anchors: readonly Timed[] = []): readonly number[] {
  const weighted = [
    ...samples.map((sample) => ({ ...sample, weight: 1 })),
    ...anchors.map((anchor) => ({ ...anchor, weight: ANCHOR_WEIGHT })),
  ];
  return fitNonNegative(
    weighted.map(({ work, meanMs, weight }) => termsOf(work).map((term) => (weight * term) / meanMs)),
    weighted.map(({ weight }) => weight),
  );
}

/**
 * A few works of all sizes, timed as any operator would be: of a kind that was seen small alone no one knows
 * what a byte takes, and what the clock cannot tell apart would be made a time for each.
 */
function anchorsOf(samples: readonly Sample[], roofline: readonly number[]): readonly Timed[] {
  const sorted = samples.toSorted((a, b) => a.work.bytes - b.work.bytes);
  return ANCHORS.map((share) => {
    const { work } = sorted[Math.floor(share * (sorted.length - 1))]!;
    return { work, meanMs: weightedSum(roofline, termsOf(work)) };
  });
}

function sampleOf({ operator, meanMs }: OperatorTiming): Sample {
  return {
    key: keyOf(operator),
    isMatrix: isMatrixKind(operator.kind),
    work: workOf(operator),
    meanMs: Math.max(meanMs, RESOLUTION_MS),
  };
}

function keyOf({ kind, dtype }: Operator): string {
  return `${kind} ${dtype}`;
}

function thinned<T>(items: readonly T[]): readonly T[] {
  const step = Math.max(1, items.length / MOST_POINTS);
  return Array.from(
    { length: Math.floor(items.length / step) },
    (_, index) => items[Math.floor(index * step)]!,
  );
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
