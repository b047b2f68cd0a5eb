import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import type { Config } from '../../../profiles/config.ts';
import type { InputShapes } from '../../cell/cell-protocol.ts';
import { createSweepQuota } from '../../quota/measurement-quotas.ts';
import type { Quotas } from '../../quota/quota.ts';
import { type GraphNode, readGraph } from './graph.ts';
import { type Operator, operatorOf } from './operator.ts';
import { parseTrace, type TracedNode } from './trace.ts';
import { type Observation, type TraceQuestion, traceAnswerSchema } from './trace-protocol.ts';

export interface TraceRequest {
  readonly model: ModelFile;
  readonly config: Config;
  readonly shapes: InputShapes;
  /** Time for the runs without a trace, and again for those with one. */
  readonly budgetMs: number;
  readonly quotas: Quotas;
}

export interface TracedModel {
  readonly operators: readonly { readonly operator: Operator; readonly meanMs: number }[];
  /** Runs whose traces were read. */
  readonly samples: number;
  readonly observation: Observation;
}

/** Of the runs in a trace, which begin cold. */
const WARM_UP_RUNS = 2;

/**
 * Runs a model in a process of its own under its quota, and reads which operators ran and what each took.
 *
 * @throws InflessError INFERENCE_FAILED where it does not run; MODEL_UNSUPPORTED for a model without operators to trace
 */
export async function traceModel(request: TraceRequest, signal?: AbortSignal): Promise<TracedModel> {
  const { manifest } = request.model;
  if (manifest.format !== 'onnx') {
    throw new InflessError(
      'MODEL_UNSUPPORTED',
      `Operators of ${manifest.name} cannot be told apart: it is no ONNX model`,
      {
        remedy: 'Measure it with infless-profile, or convert it to ONNX.',
      },
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'infless-operators-'));
  const trace = { filePrefix: join(folder, 'trace'), optimizedFile: join(folder, 'optimized.onnx') };
  try {
    const observation = await observe(request, trace, signal);
    const file = (await readdir(folder)).find((name) => name.startsWith('trace_'))!;
    const runs = parseTrace(await readFile(join(folder, file), 'utf8')).slice(WARM_UP_RUNS);
    return {
      operators: operatorsOf(runs, readGraph(trace.optimizedFile)),
      samples: runs.length,
      observation,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function observe(
  { model, config, shapes, budgetMs, quotas }: TraceRequest,
  trace: TraceQuestion['trace'],
  signal: AbortSignal | undefined,
): Promise<Observation> {
  signal?.throwIfAborted();
  const quota = await createSweepQuota(quotas, config.cpuMillicores);
  const child = fork(programFile('profiler/operators/trace/worker'), [], {
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<void>((resolve) =>
    child.on('error', () => resolve()).on('close', () => resolve()),
  );
  const abort = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', abort);
  try {
    await heard(child);
    await quota.attach(child.pid!);
    const periodMs = (quota.periodMicros ?? 0) / 1000;
    child.send({ model, config, shapes, budgetMs, periodMs, trace } satisfies TraceQuestion, () => undefined);
    const answer = await heard(child);
    if (answer.type === 'done') return answer.observation;
    throw new InflessError(
      'INFERENCE_FAILED',
      answer.type === 'failed' ? answer.reason : 'The tracing process answered out of turn',
    );
  } catch (error) {
    signal?.throwIfAborted(); // the process died because we ended it
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    child.kill('SIGKILL');
    await ended;
    await quota.remove();
  }
}

/** The next answer of the process. */
function heard(child: ChildProcess): Promise<ReturnType<typeof traceAnswerSchema.parse>> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(traceAnswerSchema.parse(message)));
    child.once('error', (error) => reject(died(error.message)));
    child.once('close', (code, signal) => reject(died(signal ?? `code ${code}`)));
  });
}

function died(how: string): InflessError {
  return new InflessError('INFERENCE_FAILED', `The tracing process ended before it was done (${how})`);
}

/** Each operator of a run with its time. A loop that ran another number of times has no counterpart: such runs are left out. */
function operatorsOf(
  runs: readonly (readonly TracedNode[])[],
  graph: readonly GraphNode[],
): TracedModel['operators'] {
  const first = runs[0] ?? [];
  const alike = runs.filter((run) => run.length === first.length);
  const nodes = new Map(graph.map((node) => [node.name, node]));
  return first.map((traced, index) => ({
    operator: operatorOf(traced, nodes.get(traced.name)),
    meanMs: undisturbedMean(alike.map((run) => run[index]!.durationMs)),
  }));
}

/** The mean of the fastest quarter: whoever else is on the host only ever adds time, and to some runs more than to others. */
function undisturbedMean(values: readonly number[]): number {
  const fastest = Float64Array.from(values)
    .sort()
    .subarray(0, Math.ceil(values.length / 4));
  return fastest.reduce((sum, value) => sum + value, 0) / fastest.length;
}
