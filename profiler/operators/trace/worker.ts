/** The process in which one model runs with its operators traced: started by the gatherer, put under a quota, asked once. */
import { messageOf } from '../../../models/base/errors.ts';
import { threadRule } from '../../../models/engines/engine.ts';
import { createSession, runSession } from '../../../models/engines/onnx/session.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { breathing } from '../../cell/measure.ts';
import { openCell } from '../../cell/open-cell.ts';
import type { Observation, TraceAnswer, TraceQuestion } from './trace-protocol.ts';

/** Small models are mostly our own code until the compiler has seen enough of it. */
const WINDOW_MS = 300;
/** Runs at least, however slow they are; the first two of them only warm up. */
const FEWEST_RUNS = 7;

async function answer(question: TraceQuestion): Promise<Observation> {
  const observed = await observe(question);
  await trace(question);
  return observed;
}

/** As it runs in production, without a trace. */
async function observe({ model, config, shapes, budgetMs, periodMs }: TraceQuestion): Promise<Observation> {
  const breath = breathing();
  const cell = await openCell({ ask: 'open', model, config, shapes });
  const codecMs = cell.codec({ ask: 'codec', budgetMs: Math.min(100, budgetMs) });
  const windowMs = Math.min(budgetMs, Math.max(WINDOW_MS, 5 * periodMs));
  await cell.warmUp({ ask: 'warm-up', windowMs, budgetMs: 3 * budgetMs }, breath);
  const rule = { level: 0.95, relativeError: 0.03, budgetMs, periodMs };
  const { latencyMs, cpuMs, peakMemoryBytes } = await cell.measure({ ask: 'measure', rule }, breath);
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

async function trace({ model, config, shapes, budgetMs, trace }: TraceQuestion): Promise<void> {
  const { path, manifest } = model;
  const feeds = generateInputs(manifest, { batch: config.batch, seed: 0, shapes });
  const { runtime, session } = await createSession(path, threadRule(config.cpuMillicores), config, trace);
  const begin = performance.now();
  for (let runs = 0; runs < FEWEST_RUNS || performance.now() - begin < budgetMs; runs += 1) {
    await runSession(runtime, session, manifest.name, feeds);
  }
  session.endProfiling();
}

function send(message: TraceAnswer): void {
  process.send?.(message);
}

process.on('disconnect', () => process.exit(1)); // whoever asked is gone: nobody wants the rest
process.on('message', async (question: TraceQuestion) => {
  try {
    send({ type: 'done', observation: await answer(question) });
  } catch (error) {
    send({ type: 'failed', reason: messageOf(error) });
  }
});
send({ type: 'ready' });
