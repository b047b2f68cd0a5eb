import { readFileSync } from 'node:fs';
import { BatchExecutor } from '../../models/engines/executor.ts';
import { engineFor } from '../../models/engines/index.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../models/manifest/tensor.ts';
import type {
  CodecQuestion,
  CodecTimes,
  Measured,
  MeasureQuestion,
  Opened,
  OpenQuestion,
  ReceiveAnswer,
  Warmed,
  WarmUpQuestion,
} from './cell-protocol.ts';
import { CountingSession } from './counting-session.ts';
import { type Heartbeat, type MeasuredPair, measure, type Run, warmUp } from './measure.ts';
import { rowExchange } from './request/codec-times.ts';
import { receive } from './request/transfer.ts';
import { WarmUp } from './steady-state.ts';

/** Enough for what depends on the values; more would only take long to make under a small quota. */
const DISTINCT_ROWS = 8;

/** One config of a model, opened with the engine and the batch executor that serve in production. */
export interface OpenCell {
  readonly opened: Opened;
  warmUp(question: WarmUpQuestion, heartbeat: Heartbeat): Promise<Warmed>;
  measure(question: MeasureQuestion, heartbeat: Heartbeat): Promise<Measured>;
  codec(question: CodecQuestion): CodecTimes;
  /** From now on requests of one row can be sent to it, which are answered without being read. */
  receive(): Promise<ReceiveAnswer>;
}

export async function openCell({ model, config, threading, provider }: OpenQuestion): Promise<OpenCell> {
  const begin = performance.now();
  const request = generateInputs(model.manifest, { batch: 1, seed: 0 });
  const beforeLoadMs = performance.now();
  const session = new CountingSession(
    await engineFor(model.manifest.format).open(model, {
      ...config,
      threading,
      provider,
      maxBatch: config.batch,
    }),
  );
  const loadMs = performance.now() - beforeLoadMs;
  const executor = new BatchExecutor(session, config.batch);
  const [first] = (await executor.run([request])).outcomes;
  // Counted from the start of this process; in production the request comes from outside.
  const firstAnswerMs = performance.now() - (beforeLoadMs - begin);
  if (!first!.ok) throw first!.error;
  const { outputs } = first!;
  const exchange = () => rowExchange(model.manifest, request, outputs);
  session.expectOneRun(1);
  const requests = requestsLike(request, model.manifest, config.batch);
  const runOf =
    (batch: readonly NamedTensors[]): Run =>
    async () => {
      const { ranAlone } = await executor.run(batch);
      session.expectOneRun(batch.length, ranAlone);
    };
  const run = runOf(requests);
  // As a serving process does: what all sizes take of memory is what an instance takes.
  for (const size of session.batchSizes ?? []) await runOf(requests.slice(0, size))();
  const subject: MeasuredPair = {
    run,
    // On a GPU its clock tells the speed, and another shape in between would make cuDNN plan anew each time.
    yardstick: config.gpuPercent > 0 ? undefined : runOf([request]),
    speedMs: speedOf(session.threads),
  };

  return {
    opened: { threads: session.threads, spinning: session.spinning, loadMs, firstAnswerMs },
    async warmUp(question, heartbeat) {
      const progress = new WarmUp(question);
      await warmUp(run, progress, heartbeat);
      return { runs: progress.runs, warmth: progress.warmth };
    },
    async measure({ rule }, heartbeat) {
      const { samples, cpuMs, totalCpuMs, yardstick } = await measure(subject, rule, heartbeat);
      return {
        ...samples.result(),
        samples: samples.count,
        cpuMs: cpuMs / samples.count,
        totalCpuMs,
        peakMemoryBytes: peakMemoryBytes(),
        ...(yardstick === undefined ? {} : { yardstick }),
      };
    },
    codec: ({ budgetMs }) => exchange().times(budgetMs),
    receive: () => receive(exchange()),
  };
}

/**
 * What of a run tells the host's speed: CPU time, whatever the quota stops in between. Of a single thread the
 * clock, where it says less, since collecting garbage takes CPU time of other threads.
 */
function speedOf(threads: number): MeasuredPair['speedMs'] {
  return threads === 1 ? (elapsedMs, cpuMs) => Math.min(elapsedMs, cpuMs) : (_, cpuMs) => cpuMs;
}

/**
 * A full batch of one-row requests, made once: the timed loop allocates nothing of its own, so no collection
 * is ours.
 */
function requestsLike(first: NamedTensors, manifest: ModelManifest, batch: number): readonly NamedTensors[] {
  const rows = [first];
  for (let seed = 1; seed < Math.min(batch, DISTINCT_ROWS); seed += 1) {
    rows.push(generateInputs(manifest, { batch: 1, seed }));
  }
  return Array.from({ length: batch }, (_, row) => rows[row % rows.length]!);
}

/**
 * The most memory this process has held, in bytes.
 *
 * Not `resourceUsage().maxRSS` where it can be avoided: on Linux that survives `exec`, so that a small
 * process started by a large one reports the large one's memory. VmHWM belongs to this program alone.
 */
export function peakMemoryBytes(): number {
  return highWaterMarkBytes() ?? process.resourceUsage().maxRSS * 1024;
}

function highWaterMarkBytes(): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined; // no /proc here
  }
}
