import type { Clock } from '../../models/base/clock.ts';
import { InflessError } from '../../models/base/errors.ts';
import type { ServedModel } from '../../models/protocols/protocol.ts';
import { Dispatcher, type Submission } from './batching/dispatcher.ts';
import { type ExecutionEstimate, LearnedEstimate } from './batching/execution-estimate.ts';
import { BodyBudget } from './http/body.ts';
import { Cancellation } from './inference/cancellation.ts';
import type { LoadedModel, WarmupRun } from './inference/messages.ts';
import type { BatchResponse, InferenceRequest, ReadyReport } from './instance-protocol.ts';
import { ServerMetrics } from './metrics.ts';
import type { ServerSettings } from './settings.ts';

export type Phase = 'loading' | 'ready' | 'draining';

/** How many bodies of the largest size the process holds at least, whatever the queue would take. */
const LARGE_BODIES_HELD = 8;
/** Largest batches that the rows of one request may fill, and the requests of one frame. */
const BATCHES_AT_ONCE = 4;
/** A client does not know how large batches are here: a planner changes them. */
const ROWS_AT_LEAST = 64;

/** Most rows of one request. */
export function mostRows({ maxRows, maxBatch }: ServerSettings): number {
  return maxRows ?? Math.max(ROWS_AT_LEAST, BATCHES_AT_ONCE * maxBatch);
}

/** Most requests of one frame. */
export function mostRequests({ maxBatch }: ServerSettings): number {
  return Math.max(ROWS_AT_LEAST, BATCHES_AT_ONCE * maxBatch);
}

export interface InstanceOptions {
  readonly settings: ServerSettings;
  readonly clock: Clock;
  /** Runs one batch on the inference thread. */
  readonly run: (requests: readonly InferenceRequest[], cancellation: Cancellation) => Promise<BatchResponse>;
  /** Changes whenever the inference thread has done something. */
  readonly progress?: () => number;
  /** From a profile table of this model; without, execution times are learned. */
  readonly estimateOf: (model: LoadedModel) => ExecutionEstimate | undefined;
}

/**
 * The serving process without its HTTP and its thread: what it has, what it may take in, what it is doing.
 */
export class Instance {
  readonly settings: ServerSettings;
  readonly budget: BodyBudget;
  readonly metrics: ServerMetrics;
  readonly #options: InstanceOptions;
  #phase: Phase = 'loading';
  #model: LoadedModel | undefined;
  #report: ReadyReport | undefined;
  #dispatcher: Dispatcher | undefined;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.settings = options.settings;
    const { maxBatch, maxBodyBytes } = options.settings;
    // One more than a batch of the gateway: its frame has a header, and single requests may come beside it.
    this.budget = new BodyBudget((Math.max(LARGE_BODIES_HELD, maxBatch) + 1) * maxBodyBytes);
    this.metrics = new ServerMetrics({
      queueDepth: () => this.#dispatcher?.depth ?? 0,
      inFlight: () => this.#inFlight,
      bodyBytes: () => this.budget.usedBytes,
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Undefined until it is known; see settings. */
  get modelName(): string | undefined {
    return this.#model?.name ?? this.settings.modelName;
  }

  /** @param name what a client calls it, as long as no one knows better */
  served(name = ''): ServedModel {
    return { name: this.modelName ?? name, state: this.#phase, manifest: this.#model?.manifest };
  }

  markLoaded(model: LoadedModel): void {
    this.#model = model;
  }

  /** From here on, each request is a batch of its own, whatever the manifest says. */
  stopBatching(): void {
    this.#model = { ...this.#model!, maxBatch: 1 };
    if (this.#report !== undefined) this.#report = { ...this.#report, maxBatch: 1 };
    this.#dispatcher?.stopBatching();
  }

  /**
   * From here on predictions are taken.
   *
   * @param heldBytes that bodies and answers may take, where memory has a limit
   */
  markReady(firstAnswerMs: number, warmup: readonly WarmupRun[], heldBytes = Number.POSITIVE_INFINITY): void {
    this.budget.restrict(heldBytes);
    const { settings } = this;
    const model = this.#model!;
    this.#report = {
      instance: settings.instanceId,
      model: model.name,
      digest: model.manifest.digest,
      maxBatch: model.maxBatch,
      cpuMillicores: settings.cpuMillicores,
      threads: model.threads,
      loadMs: model.loadMs,
      firstAnswerMs,
    };
    this.#dispatcher = this.#createDispatcher(model, warmup);
    this.metrics.observeStart(model.loadMs, firstAnswerMs);
    if (this.#phase === 'loading') this.#phase = 'ready';
  }

  /** @throws InflessError UNAVAILABLE while nothing can be predicted. */
  readyReport(): ReadyReport {
    if (this.#phase === 'draining') throw new InflessError('UNAVAILABLE', 'The server is shutting down');
    if (this.#report === undefined) throw new InflessError('UNAVAILABLE', 'The model is still being loaded');
    const progress = this.#options.progress?.();
    return progress === undefined ? this.#report : { ...this.#report, progress };
  }

  /**
   * Takes a prediction in before its body is read: a drain waits for it. Returns what to call when it is
   * done.
   *
   * @throws InflessError UNAVAILABLE
   */
  admit(): () => void {
    this.readyReport();
    this.#inFlight += 1;
    return () => {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    };
  }

  /** Queues an admitted request for the next batch it fits into. */
  predict(request: InferenceRequest): Submission {
    return this.#dispatcher!.submit(request);
  }

  /** Runs requests as the batch that the gateway has formed, past our own queue. */
  async runBatch(
    requests: readonly InferenceRequest[],
    cancellation = new Cancellation(requests.length),
  ): Promise<BatchResponse> {
    const reply = await this.#options.run(requests, cancellation);
    this.metrics.observeBatch(reply);
    return reply;
  }

  /** Refuses new predictions from now on; resolves when those taken in are answered. */
  drain(): Promise<void> {
    this.#phase = 'draining';
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#inFlight === 0) resolve();
    });
  }

  /** Answers what waits with an error, so that it does not hang when the process goes. */
  abandon(): void {
    this.#dispatcher?.rejectWaiting(
      new InflessError('UNAVAILABLE', 'The server shut down before the request got its turn'),
    );
  }

  #createDispatcher(model: LoadedModel, warmup: readonly WarmupRun[]): Dispatcher {
    const { settings } = this;
    const { clock, estimateOf } = this.#options;
    const learned = new LearnedEstimate(model.maxBatch);
    for (const { requests, durationMs } of warmup) learned.observe(requests, durationMs);
    return new Dispatcher({
      clock,
      queueLimit: settings.queueLimit,
      maxBatch: model.maxBatch,
      sloMs: settings.sloMs,
      maxWaitMs: settings.maxWaitMs,
      estimate: estimateOf(model) ?? ((requests) => learned.executionMs(requests)),
      onStart: (waitedMs) => this.metrics.observeWait(waitedMs),
      run: async (requests, cancellation) => {
        const startMs = clock.nowMs();
        const reply = await this.runBatch(requests, cancellation);
        if (reply.ranAlone === undefined && !cancellation.isAny)
          learned.observe(reply.timing.rows, clock.nowMs() - startMs);
        return reply;
      },
    });
  }
}
