import { SHARE_ENV, Worker } from 'node:worker_threads';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import type { BatchResponse, InferenceRequest } from '../instance-protocol.ts';
import type { Cancellation } from './cancellation.ts';
import {
  type FromInference,
  fromErrorRecord,
  type InferenceOptions,
  type InferenceThreadData,
  type ToInference,
} from './messages.ts';

/** What the thread tells of itself, beside answers. */
export type ThreadEvent =
  | Exclude<FromInference, { type: 'ran' | 'failed' }>
  /** The thread is gone without having been asked: nothing can be served any more. */
  | { readonly type: 'failed'; readonly error: InflessError };

interface Waiter {
  resolve(reply: BatchResponse): void;
  reject(error: InflessError): void;
}

/** The HTTP thread's end of the inference thread. Batches run one after the other, in the order sent. */
export class InferenceThread {
  readonly #worker: Worker;
  readonly #onEvent: (event: ThreadEvent) => void;
  readonly #waiters = new Map<number, Waiter>();
  readonly #exited: Promise<void>;
  readonly #runs = new Int32Array(new SharedArrayBuffer(4));
  #lastId = 0;
  #state: 'running' | 'closing' | 'failed' = 'running';

  constructor(options: InferenceOptions, onEvent: (event: ThreadEvent) => void) {
    this.#onEvent = onEvent;
    this.#worker = new Worker(programFile('packager/server/inference-worker'), {
      workerData: { ...options, runs: this.#runs } satisfies InferenceThreadData,
      // a copy is no environment of the process: TensorFlow's library would not see what it is told there
      env: SHARE_ENV,
    });
    this.#worker.on('message', (message: FromInference) => this.#receive(message));
    this.#worker.on('error', (error) =>
      this.#fail(
        new InflessError('INFERENCE_FAILED', `The inference thread broke (${messageOf(error)})`, {
          cause: error,
        }),
      ),
    );
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail(new InflessError('INFERENCE_FAILED', 'The inference thread ended'));
        resolve();
      });
    });
  }

  /** Runs of the model so far; it wraps around. */
  get runs(): number {
    return Atomics.load(this.#runs, 0);
  }

  /**
   * Runs requests as one batch. Their buffers move to the inference thread and are empty here afterwards.
   *
   * @param cancellation says while it runs which requests need not be answered any more
   * @throws InflessError INFERENCE_FAILED when the thread is gone; what a single request suffers is in its
   * response.
   */
  run(requests: readonly InferenceRequest[], cancellation: Cancellation): Promise<BatchResponse> {
    if (this.#state !== 'running') {
      return Promise.reject(new InflessError('UNAVAILABLE', 'The inference thread has ended'));
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const buffers = new Set(requests.map(({ body }) => body.buffer as ArrayBuffer));
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      this.#post({ type: 'run', id, requests, cancelled: cancellation.shared }, [...buffers]);
    });
  }

  /** Lets what was sent finish, then ends the thread. */
  async close(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'closing';
      this.#post({ type: 'close' });
    }
    await this.#exited;
  }

  #post(message: ToInference, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromInference): void {
    if (message.type === 'ran') {
      this.#waiters.get(message.id)?.resolve(message.reply);
      this.#waiters.delete(message.id);
    } else if (message.type === 'failed') {
      this.#fail(fromErrorRecord(message.error));
    } else {
      this.#onEvent(message);
    }
  }

  #fail(error: InflessError): void {
    const unexpected = this.#state === 'running';
    if (unexpected) this.#state = 'failed';
    for (const { reject } of this.#waiters.values()) reject(error);
    this.#waiters.clear();
    if (unexpected) this.#onEvent({ type: 'failed', error });
  }
}
