/**
 * The inference thread of the serving process. Engines run a model synchronously: here they may block,
 * while the HTTP thread goes on answering health checks, metrics and rejections.
 *
 * End it with a `close` message only. `Worker.terminate()` in the middle of a run aborts the whole process.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../models/base/errors.ts';
import { parseJson } from '../../models/base/schema.ts';
import type { EngineSession } from '../../models/engines/engine.ts';
import { BatchExecutor } from '../../models/engines/executor.ts';
import { engineFor } from '../../models/engines/index.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { canBatch, type ModelManifest } from '../../models/manifest/manifest.ts';
import { DEFAULT_PROTOCOL } from '../../models/protocols/index.ts';
import { type BatchFinding, noteBatchFinding } from '../../models/resolve/batch-findings.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { answerBatch, type ServedModel } from './inference/answer-batch.ts';
import { Cancellation } from './inference/cancellation.ts';
import {
  type FromInference,
  type InferenceOptions,
  type InferenceThreadData,
  type ToInference,
  toErrorRecord,
  type WarmupRun,
} from './inference/messages.ts';
import { detachable } from './inference/transfer.ts';
import {
  type BatchResponse,
  type InferenceRequest,
  type InferenceResponse,
  SERVER_ENVIRONMENT,
} from './instance-protocol.ts';
import { memoryLimitBytes, requireRoomForWeights, roomFor } from './memory-room.ts';

const port = parentPort!;
let isClosing = false;
let hasStoppedBatching = false;
let wasAudited = false;

function send(message: FromInference, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** What was found outlives this process. */
function keep(digest: string, finding: BatchFinding): void {
  wasAudited ||= finding.how === 'audit';
  void noteBatchFinding(digest, finding);
}

function sendDefect(error: unknown): void {
  send({ type: 'defect', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

/** Answers a batch, and first reports it if this one shows that requests cannot share runs. */
async function answer(
  model: ServedModel,
  requests: readonly InferenceRequest[],
  cancellation?: Cancellation,
): Promise<BatchResponse> {
  const reply = await answerBatch(model, requests, (request) => cancellation?.isCancelled(request) === true);
  if (reply.ranAlone !== undefined && !hasStoppedBatching) {
    hasStoppedBatching = true;
    send({ type: 'stopped-batching', reason: reply.ranAlone });
    if (!wasAudited) keep(model.manifest.digest, { how: 'rows', reason: reply.ranAlone });
  }
  return reply;
}

/** Loaded only where somebody says what requests look like. */
async function likenessOf(options: InferenceOptions): Promise<{ readonly like?: RequestLike }> {
  const { sample, shapes, batchAxes } = options;
  const isSilent = shapes === undefined && batchAxes === undefined;
  if (sample === undefined) return isSilent ? {} : { like: { shapes, batchAxes } };
  const { inlineSample, loadSample } = await import('../../models/sample/read-sample.ts');
  if (!sample.startsWith('{')) return { like: { sample: await loadSample(sample), batchAxes } };
  const title = SERVER_ENVIRONMENT.sample;
  const request = parseJson(sample, { what: title }) as object;
  return { like: { sample: inlineSample(request, title), batchAxes } };
}

async function load(options: InferenceThreadData): Promise<{ session: EngineSession; model: ServedModel }> {
  const startMs = performance.now();
  const file = await resolveModel(options.model, {
    ...(options.modelName === undefined ? {} : { name: options.modelName }),
    ...(options.manifest === undefined ? {} : { manifestFile: options.manifest }),
    batching: options.batching,
    ...(await likenessOf(options)),
    cpuMillicores: options.cpuMillicores,
  });
  requireRoomForWeights(file.manifest.sizeBytes, {
    limitBytes: memoryLimitBytes(),
    residentBytes: process.memoryUsage.rss(),
  });
  const session = await engineFor(file.manifest.format).open(file, options);
  const maxBatch = canBatch(session.manifest) ? options.maxBatch : 1;
  const { manifest, threads } = session;
  const name = options.modelName ?? manifest.name;
  send({
    type: 'loaded',
    model: { name, manifest, threads, maxBatch, loadMs: performance.now() - startMs },
  });
  const limits = {
    bodyBytes: options.maxBodyBytes,
    rows: options.maxRows,
    frameRows: options.maxFrameRows,
    answerBytes: options.maxAnswerBytes,
    decodedBytes: undefined,
  };
  const executor = new BatchExecutor(countRuns(session, options.runs), maxBatch, {
    every: options.batchAudit,
    isDecisive: options.batching !== 'trust',
    onAudited: (difference) => {
      send({ type: 'audited', difference });
      if (difference !== undefined) keep(manifest.digest, { how: 'audit', reason: difference });
    },
  });
  const model: ServedModel = { name, manifest, executor, limits, onDefect: sendDefect };
  await warmUp(model, maxBatch, session.batchSizes ?? []);
  return { session, model: { ...model, limits: { ...limits, decodedBytes: roomForTensors() } } };
}

/** Counts from here on: what the largest batch takes, this process holds already. */
function roomForTensors(): number | undefined {
  const limitBytes = memoryLimitBytes();
  return limitBytes === undefined ? undefined : roomFor(limitBytes, process.memoryUsage.rss()).decodedBytes;
}

/** Lets the other thread see that this one is not stuck, also in the middle of a batch of many runs. */
function countRuns(session: EngineSession, runs: Int32Array): EngineSession {
  return {
    manifest: session.manifest,
    threads: session.threads,
    spinning: session.spinning,
    batchSizes: session.batchSizes,
    async run(feeds) {
      try {
        return await session.run(feeds);
      } finally {
        Atomics.add(runs, 0, 1);
      }
    },
    close: () => session.close(),
  };
}

/**
 * The first runs allocate, and the first pass through the codec is not compiled yet: users must not pay for
 * it. Each size runs twice, and the second run tells how long such a batch takes.
 */
async function warmUp(model: ServedModel, maxBatch: number, sizes: readonly number[]): Promise<void> {
  const warmup: WarmupRun[] = [];
  try {
    for (const requests of new Set([1, ...sizes, maxBatch])) {
      await immediate(); // lets a close in
      if (isClosing) return;
      const batch = warmUpBatch(model.manifest, requests);
      rejectFailures((await answer(model, received(batch))).responses);
      if (warmup.length === 0) send({ type: 'answered' });
      const startMs = performance.now();
      const { responses, ranAlone } = await answer(model, received(batch));
      rejectFailures(responses);
      if (ranAlone === undefined) warmup.push({ requests, durationMs: performance.now() - startMs });
    }
  } catch (error) {
    send({ type: 'warmup-failed', reason: messageOf(error) });
  }
  send({ type: 'ready', warmup });
}

/** `requests` predictions of one row each with generated values, as a client would send them. */
function warmUpBatch(manifest: ModelManifest, requests: number): InferenceRequest[] {
  const { paths, ...protocol } = DEFAULT_PROTOCOL;
  const request = protocol.request(generateInputs(manifest, { batch: 1 }), manifest);
  return Array.from({ length: requests }, () => ({ path: paths.predict, ...request }));
}

/** As they come over HTTP: each with a body of its own. */
function received(requests: readonly InferenceRequest[]): InferenceRequest[] {
  return requests.map((request) => ({ ...request, body: new Uint8Array(request.body) }));
}

function rejectFailures(responses: readonly InferenceResponse[]): void {
  const failed = responses.find(({ status }) => status !== 200);
  if (failed !== undefined) throw new Error(new TextDecoder().decode(failed.body));
}

async function run(
  model: ServedModel,
  { id, requests, cancelled }: ToInference & { type: 'run' },
): Promise<void> {
  const reply = await answer(model, requests, new Cancellation(requests.length, cancelled));
  const { items, transfer } = detachable(reply.responses);
  send({ type: 'ran', id, reply: { ...reply, responses: items } }, transfer);
}

async function main(): Promise<void> {
  let inOrder: Promise<unknown> = load(workerData as InferenceThreadData);
  const loaded = inOrder as ReturnType<typeof load>;
  port.on('message', (message: ToInference) => {
    isClosing ||= message.type === 'close';
    inOrder = inOrder.then(async () => {
      const { session, model } = await loaded;
      if (message.type === 'run') return run(model, message);
      await session.close();
      port.close();
    });
    inOrder.catch(fail);
  });
  await loaded;
}

/** Nothing can be served any more: says why and ends the thread. */
function fail(error: unknown): void {
  const record = toErrorRecord(error);
  if (record === undefined) sendDefect(error);
  send({
    type: 'failed',
    error: record ?? { code: 'INFERENCE_FAILED', message: messageOf(error), remedy: undefined },
  });
  port.close();
}

main().catch(fail);
