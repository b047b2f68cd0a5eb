import type { Cancel, Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { BatchFormer } from '../../../models/batching/batch-former.ts';
import type { Waiting } from '../../../models/batching/deadline-queue.ts';
import { Cancellation } from '../inference/cancellation.ts';
import type { BatchResponse, InferenceRequest, InferenceResponse } from '../instance-protocol.ts';
import type { ExecutionEstimate } from './execution-estimate.ts';

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly queueLimit: number;
  readonly maxBatch: number;
  readonly sloMs: number;
  readonly maxWaitMs: number;
  readonly estimate: ExecutionEstimate;
  /** Runs one batch; called again only after it has settled. */
  readonly run: (requests: readonly InferenceRequest[], cancellation: Cancellation) => Promise<BatchResponse>;
  /** Hears how long a request waited before its batch started. */
  readonly onStart: (waitedMs: number) => void;
}

interface Pending extends Waiting {
  readonly request: InferenceRequest;
  /** Its batch, once it runs, and its place there. */
  running?: { readonly cancellation: Cancellation; readonly index: number };
  resolve(response: InferenceResponse): void;
  reject(error: unknown): void;
}

/** A request taken in. */
export interface Submission {
  readonly answer: Promise<InferenceResponse>;
  /** No one waits for the answer any more: takes it out of the queue, or ends it where it runs. */
  withdraw(): void;
}

/**
 * What a serving process does when it runs alone: one queue, one batch former, one server. Behind the gateway
 * it stays empty, because the gateway forms the batches there.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #former: BatchFormer<Pending>;
  #maxBatch: number;
  #isRunning = false;
  #cancelWake: Cancel | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#maxBatch = options.maxBatch;
    // A late answer still has its worth to a caller who waits, up to maxWaitMs.
    this.#former = new BatchFormer({ queueLimit: options.queueLimit, latePolicy: 'serve' });
  }

  /** Requests waiting. */
  get depth(): number {
    return this.#former.size;
  }

  /**
   * The answer rejects with InflessError OVERLOADED when the queue is full, DEADLINE_EXCEEDED after
   * `maxWaitMs`.
   */
  submit(request: InferenceRequest): Submission {
    const { clock, sloMs, maxWaitMs } = this.#options;
    const arrivalMs = clock.nowMs();
    const { promise, resolve, reject } = deferred<InferenceResponse>();
    const pending: Pending = {
      arrivalMs,
      deadlineMs: arrivalMs + sloMs,
      expiresAtMs: arrivalMs + maxWaitMs,
      request,
      resolve,
      reject,
    };
    const { accepted, displaced } = this.#former.offer(pending);
    for (const late of displaced) late.reject(this.#overloaded());
    if (accepted) this.#decide();
    else reject(this.#overloaded());
    return { answer: promise, withdraw: () => this.#withdraw(pending) };
  }

  /** From now on, each request is a batch of its own. */
  stopBatching(): void {
    this.#maxBatch = 1;
  }

  /** Answers all that wait with an error; a batch that runs is left to finish. */
  rejectWaiting(error: InflessError): void {
    this.#cancelWake?.();
    for (const pending of this.#former.drain()) pending.reject(error);
  }

  #withdraw(pending: Pending): void {
    if (!this.#former.withdraw(pending)) {
      pending.running?.cancellation.cancel(pending.running.index);
      return;
    }
    pending.reject(new InflessError('UNAVAILABLE', 'The request was withdrawn by its client'));
    this.#decide();
  }

  #decide(): void {
    this.#cancelWake?.();
    const { clock, estimate } = this.#options;
    const idle = this.#isRunning ? [] : [{ key: 0, maxBatch: this.#maxBatch, executionMs: estimate }];
    const decision = this.#former.decide(clock.nowMs(), idle);
    for (const pending of decision.expired) pending.reject(this.#expired());
    for (const { requests } of decision.batches) void this.#run(requests);
    if (decision.wakeAtMs !== undefined) {
      this.#cancelWake = clock.at(decision.wakeAtMs, () => this.#decide());
    }
  }

  async #run(batch: readonly Pending[]): Promise<void> {
    this.#isRunning = true;
    const { clock, run, onStart } = this.#options;
    const cancellation = new Cancellation(batch.length);
    for (const [index, pending] of batch.entries()) {
      onStart(clock.nowMs() - pending.arrivalMs);
      pending.running = { cancellation, index };
    }
    const requests = batch.map(({ request }) => request);
    try {
      const { responses } = await run(requests, cancellation);
      for (const [index, pending] of batch.entries()) pending.resolve(responses[index]!);
    } catch (error) {
      for (const pending of batch) pending.reject(error);
    }
    this.#isRunning = false;
    this.#former.answered(clock.nowMs());
    this.#decide();
  }

  #overloaded(): InflessError {
    const { estimate } = this.#options;
    const retryAfterMs = (this.depth / this.#maxBatch) * estimate(this.#maxBatch);
    return new InflessError('OVERLOADED', `The queue is full (${this.depth} requests wait)`, {
      remedy: 'Send fewer requests at a time, or try again later.',
      details: { retryAfterMs },
    });
  }

  #expired(): InflessError {
    return new InflessError(
      'DEADLINE_EXCEEDED',
      `The request waited ${this.#options.maxWaitMs} ms without getting its turn`,
      { remedy: 'Send fewer requests at a time, or try again later.' },
    );
  }
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
