import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import type { Engine, Tracing } from '../../../models/engines/engine.ts';
import { engineFor } from '../../../models/engines/index.ts';
import type { Operator } from '../../../models/engines/tracing.ts';
import type { ModelFile, ModelManifest } from '../../../models/manifest/manifest.ts';
import type { Config } from '../../../profiles/config.ts';
import { createSweepQuota } from '../../quota/measurement-quotas.ts';
import type { Quotas } from '../../quota/quota.ts';
import {
  type Observation,
  type TraceAnswer,
  type TraceQuestion,
  traceAnswerSchema,
} from './trace-protocol.ts';

export interface TraceRequest {
  readonly model: ModelFile;
  readonly config: Config;
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

/**
 * Runs a model in a process of its own under its quota, and reads which operators ran and what each took.
 *
 * @throws InflessError INFERENCE_FAILED where it does not run; MODEL_UNSUPPORTED for a model without
 * operators to trace
 */
export async function traceModel(request: TraceRequest, signal?: AbortSignal): Promise<TracedModel> {
  requireTracing(request.model.manifest);
  const folder = await mkdtemp(join(tmpdir(), 'infless-operators-'));
  try {
    const { observation, operators, samples } = await ask(request, folder, signal);
    return { operators, samples, observation };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The engine of a model, with what it tells of operators.
 *
 * @throws InflessError MODEL_UNSUPPORTED where it tells nothing
 */
export function requireTracing({ name, format }: ModelManifest): Engine & { readonly tracing: Tracing } {
  const engine = engineFor(format);
  const { tracing } = engine;
  if (tracing !== undefined) return { ...engine, tracing };
  throw new InflessError(
    'MODEL_UNSUPPORTED',
    `Operators of ${name} cannot be measured: its runtime does not report their times`,
    { remedy: 'Measure it with infless-profile, or convert it to ONNX.' },
  );
}

/** @param folder that the process leaves its files in */
async function ask(
  { model, config, budgetMs, quotas }: TraceRequest,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Extract<TraceAnswer, { type: 'done' }>> {
  signal?.throwIfAborted();
  const quota = await createSweepQuota(quotas, config.cpuMillicores);
  const child = fork(programFile('profiler/operators/trace/worker'), [], {
    execArgv: [],
    env: { ...process.env, TMPDIR: folder },
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
    child.send({ model, config, budgetMs, periodMs } satisfies TraceQuestion, () => undefined);
    const answer = await heard(child);
    if (answer.type === 'done') return answer;
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
function heard(child: ChildProcess): Promise<TraceAnswer> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(traceAnswerSchema.parse(message)));
    child.once('error', (error) => reject(died(error.message)));
    child.once('close', (code, signal) => reject(died(signal ?? `code ${code}`)));
  });
}

function died(how: string): InflessError {
  return new InflessError('INFERENCE_FAILED', `The tracing process ended before it was done (${how})`);
}
