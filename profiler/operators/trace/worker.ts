/**
 * The process in which one model runs with its operators traced: started by the gatherer, put under a quota,
 * asked once.
 */
import { messageOf } from '../../../models/base/errors.ts';
import { engineFor } from '../../../models/engines/index.ts';
import type { Operator, TracedOperator } from '../../../models/engines/tracing.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { everySecond } from '../../cell/measure.ts';
import { openCell } from '../../cell/open-cell.ts';
import type { Observation, TraceAnswer, TraceQuestion } from './trace-protocol.ts';

/** Small models are mostly our own code until the compiler has seen enough of it. */
const WINDOW_MS = 300;
/** Runs at least, however slow they are. */
const FEWEST_RUNS = 7;
/** Of the traced runs, which begin cold. */
const WARM_UP_RUNS = 2;

type Run = readonly TracedOperator[];

async function answer(question: TraceQuestion): Promise<TraceAnswer> {
  const observation = await observe(question);
  const runs = (await trace(question)).slice(WARM_UP_RUNS);
  return { type: 'done', observation, operators: meansOf(runs), samples: runs.length };
}

/** As it runs in production, without a trace. */
async function observe({ model, config, budgetMs, periodMs }: TraceQuestion): Promise<Observation> {
  const heartbeat = everySecond();
  const cell = await openCell({ ask: 'open', model, config });
  const codecMs = cell.codec({ ask: 'codec', budgetMs: Math.min(100, budgetMs) });
  const windowMs = Math.min(budgetMs, Math.max(WINDOW_MS, 5 * periodMs));
  await cell.warmUp({ ask: 'warm-up', windowMs, budgetMs: 3 * budgetMs }, heartbeat);
  const rule = { level: 0.95, relativeError: 0.03, budgetMs, periodMs };
  const { latencyMs, cpuMs, peakMemoryBytes } = await cell.measure({ ask: 'measure', rule }, heartbeat);
  const { threads, spinning, loadMs, firstAnswerMs } = cell.opened;
  return {
    wallMs: latencyMs.min,
    usualMs: latencyMs.mean,
    cpuMs,
    peakMemoryBytes,
    codecMs,
    threads,
    spinning,
    loadMs,
    firstAnswerMs,
  };
}

function trace({ model, config, budgetMs }: TraceQuestion): Promise<readonly Run[]> {
  const feeds = generateInputs(model.manifest, { batch: config.batch, seed: 0 });
  const { tracing } = engineFor(model.manifest.format); // there is one, or this process were not
  return tracing!.operators(model, config, feeds, { runs: FEWEST_RUNS, timeMs: budgetMs });
}

/**
 * Each operator of a run with its time. A loop that ran another number of times has no counterpart: such runs
 * are left out.
 */
function meansOf(runs: readonly Run[]): { operator: Operator; meanMs: number }[] {
  const first = runs[0] ?? [];
  const alike = runs.filter((run) => run.length === first.length);
  return first.map(({ operator }, index) => ({
    operator,
    meanMs: undisturbedMean(alike.map((run) => run[index]!.durationMs)),
  }));
}

/**
 * The mean of the fastest quarter: whoever else is on the host only ever adds time, and to some runs more
 * than to others.
 */
function undisturbedMean(values: readonly number[]): number {
  const fastest = Float64Array.from(values)
    .sort()
    .subarray(0, Math.ceil(values.length / 4));
  return fastest.reduce((sum, value) => sum + value, 0) / fastest.length;
}

function send(message: TraceAnswer): void {
  process.send?.(message);
}

process.on('disconnect', () => process.exit(1)); // whoever asked is gone: no one wants the rest
process.on('message', async (question: TraceQuestion) => {
  try {
    send(await answer(question));
  } catch (error) {
    send({ type: 'failed', reason: messageOf(error) });
  }
});
send({ type: 'ready' });
