import { quantile } from '../../../profiles/statistics.ts';
import type { OperatorModel, OperatorRun } from '../database/database.ts';
import type { ModelShape } from './model-shape.ts';
import { fitNonNegative, weightedSum } from './non-negative.ts';
import { OperatorTimes } from './operator-times.ts';

export interface ModelEstimate {
  readonly meanMs: number;
  readonly cpuMs: number;
  /** Standard deviation of the mean's logarithm. */
  readonly logError: number;
  /** The share of the time that operators of kinds never seen are thought to take. */
  readonly unknownShare: number;
}

/** From here on a run is mostly what its operators take. */
const LONG_MS = 3;
/** What a sum of operators misses of a run, whatever is known of them. */
const SUM_LOG_ERROR = 0.08;

/**
 * Times of whole models from those of operators. A session of ours executes operators one after the other,
 * also where branches could run side by side, so that a batch takes their sum and what the runtime takes
 * beside them.
 */
export class ModelTimes {
  readonly #byThreads = new Map<number, OperatorTimes>();
  readonly #beside: readonly number[];
  /**
   * What is usual over the fastest, by threads: operators are learned from the fastest, which is the same on
   * a busy host.
   */
  readonly #slowness = new Map<number, number>();

  /**
   * CPU time of several threads: so much of that of a single one, and of all of theirs from beginning to end.
   */
  readonly #shared: readonly [number, number];

  /** @throws RangeError where there is no run */
  constructor(models: readonly OperatorModel[]) {
    const runs = models.flatMap((model) => model.runs);
    if (runs.length === 0) throw new RangeError('Times of models need at least one run.');
    const under = (threads: number): readonly OperatorRun[] => runs.filter((run) => run.threads === threads);
    for (const threads of new Set(runs.map((run) => run.threads))) {
      this.#byThreads.set(threads, new OperatorTimes(under(threads).flatMap(({ operators }) => operators)));
      this.#slowness.set(threads, slownessOf(under(threads)));
    }
    const fewest = Math.min(...this.#byThreads.keys());
    this.#beside = fitBeside(under(fewest), this.#slowness.get(fewest)!);
    this.#shared = fitShared(models);
  }

  /**
   * A batch under a quota. The time of its threads with a core each is what was learned; with less than that,
   * the CPU time that it needs is given to it at the quota's rate.
   *
   * @param threads in use under the quota; the nearest that was seen counts
   */
  at(
    model: ModelShape,
    { batch, cpuMillicores, threads }: { batch: number; cpuMillicores: number; threads: number },
  ): ModelEstimate {
    const single = this.#sum(model, batch, 1);
    if (threads === 1)
      return {
        ...single,
        cpuMs: single.meanMs,
        meanMs: rationed(single.meanMs, single.meanMs, cpuMillicores),
      };
    const whole = this.#sum(model, batch, threads);
    // Whatever a busy host made of several threads: they are no slower than one, and no faster than as many.
    const wholeMs = Math.max(single.meanMs / threads, Math.min(single.meanMs, whole.meanMs));
    const [ofSingle, ofAll] = this.#shared;
    const cpuMs = Math.max(single.meanMs, ofSingle * single.meanMs + ofAll * threads * wholeMs);
    return { ...whole, cpuMs, meanMs: rationed(wholeMs, cpuMs, cpuMillicores) };
  }

  #sum(model: ModelShape, batch: number, threads: number): Omit<ModelEstimate, 'cpuMs'> {
    const nearest = nearestOf([...this.#byThreads.keys()], threads);
    const operators = this.#byThreads.get(nearest)!;
    const slowness = this.#slowness.get(nearest)!;
    const all = model.operatorsAt(batch);
    // like operators are off alike, those of other kinds on their own
    const spreads = new Map<string, number>();
    let fastestMs = 0;
    let unknownMs = 0;
    for (const operator of all) {
      const { meanMs, logError, isKnown } = operators.at(operator);
      fastestMs += meanMs;
      if (!isKnown) unknownMs += meanMs;
      spreads.set(operator.kind, (spreads.get(operator.kind) ?? 0) + meanMs * logError);
    }
    const spreadMs = Math.hypot(...spreads.values());
    const besideMs = weightedSum(this.#beside, besideTerms(all.length, model.tensorElementsAt(batch), batch));
    return {
      meanMs: fastestMs * slowness + besideMs,
      logError: Math.hypot(SUM_LOG_ERROR, spreadMs / fastestMs),
      unknownShare: unknownMs / fastestMs,
    };
  }
}

/** What takes so long with whole cores, under a quota that gives out its CPU time at a rate. */
function rationed(wholeMs: number, cpuMs: number, cpuMillicores: number): number {
  return Math.max(wholeMs, (cpuMs * 1000) / cpuMillicores);
}

function nearestOf(known: readonly number[], threads: number): number {
  return known.reduce((best, each) =>
    Math.abs(Math.log(each / threads)) < Math.abs(Math.log(best / threads)) ? each : best,
  );
}

/**
 * What is usual over the fastest operators, of runs that are hardly more than those; where there are none,
 * over the fastest run.
 */
function slownessOf(runs: readonly OperatorRun[]): number {
  const long = runs.filter(({ wallMs }) => wallMs >= LONG_MS);
  if (long.length > 0) return median(long.map((run) => run.usualMs / operatorMs(run)));
  return median(runs.map(({ usualMs, wallMs }) => usualMs / wallMs));
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/**
 * What a run usually takes beside its operators: for itself, and for each operator, row, and element in.
 * Errors count as shares of a run, whose noise would else drown it.
 */
function fitBeside(runs: readonly OperatorRun[], slowness: number): readonly number[] {
  return fitNonNegative(
    runs.map(({ operators, tensorElements, batch, usualMs }) =>
      besideTerms(operators.length, tensorElements, batch).map((term) => term / usualMs),
    ),
    runs.map((run) => (run.usualMs - slowness * operatorMs(run)) / run.usualMs),
  );
}

/**
 * Threads wait for each other within an operator, some asleep, some not yet: what they take is between the
 * time of one and that of all, where in between is learned from models that ran with one and with several.
 * Where none did, all of them are busy from beginning to end.
 */
function fitShared(models: readonly OperatorModel[]): readonly [number, number] {
  const pairs = models.flatMap(({ runs }) =>
    runs
      .filter(({ threads }) => threads > 1)
      .flatMap((run) => {
        const single = runs.find(({ threads, batch }) => threads === 1 && batch === run.batch);
        return single === undefined ? [] : [{ single, run }];
      }),
  );
  if (pairs.length === 0) return [0, 1];
  const [ofSingle, ofAll] = fitNonNegative(
    pairs.map(({ single, run }) => [single.usualMs / run.cpuMs, (run.threads * run.usualMs) / run.cpuMs]),
    pairs.map(() => 1),
  );
  return [ofSingle!, ofAll!];
}

function besideTerms(operators: number, tensorElements: number, rows: number): readonly number[] {
  return [1, operators, rows, tensorElements];
}

function operatorMs({ operators }: OperatorRun): number {
  return operators.reduce((sum, { meanMs }) => sum + meanMs, 0);
}
