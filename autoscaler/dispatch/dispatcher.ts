import type { Cancel, Clock } from '../../models/base/clock.ts';
import { InflessError } from '../../models/base/errors.ts';
import { BatchFormer, type LatePolicy } from '../../models/batching/batch-former.ts';
import type { Waiting } from '../../models/batching/deadline-queue.ts';
import type { IdleServer } from '../../models/batching/servers.ts';
import type { BatchedRequest, BatchedResponse } from '../../packager/server/instance-protocol.ts';
import type { Config } from '../../profiles/config.ts';
import type { ServiceTimes } from '../plan/service-times.ts';
import type { ObservedTimes } from './observed-times.ts';
import { type BatchTransport, InstanceLost } from './transport.ts';

export interface DispatcherOptions {
  readonly functionName: string;
  readonly sloMs: number;
  readonly percentile: number;
  readonly latePolicy: LatePolicy;
  readonly maxWaitMs: number;
  readonly queueLimit: number;
}

/** What the dispatcher works with; all of it is replaced in the simulator. */
export interface DispatcherParts {
  readonly clock: Clock;
  readonly transport: BatchTransport;
  readonly times: ServiceTimes;
  readonly observed: ObservedTimes;
  /** Told when an instance failed a batch, so that the platform looks after it. */
  readonly onInstanceLost: (id: string, reason: string) => void;
  readonly onBatch?: (batch: DispatchedBatch) => void;
}

export interface DispatchedBatch {
  readonly instanceId: string;
  readonly size: number;
  readonly roundTripMs: number;
  readonly executeMs: number;
}

/** An instance that can take batches. */
export interface ServingInstance {
  readonly id: string;
  readonly config: Config;
  readonly url: string;
}

interface QueuedRequest extends Waiting {
  readonly request: BatchedRequest;
  readonly resolve: (response: BatchedResponse) => void;
  readonly reject: (error: Error) => void;
  attempts: number;
}

interface Slot extends IdleServer<Slot> {
  readonly instance: ServingInstance;
  busy: boolean;
}

/** A batch may fail under a request this often before the request is the suspect. */
const MOST_ATTEMPTS = 3;

/**
 * One function's queue over its instances: requests wait here, in deadline order, until the batch former binds
 * them to an instance that is idle. A batch that fails goes back into the queue with its old deadlines, so that losing
 * an instance loses no request that another can still answer.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #parts: DispatcherParts;
  readonly #former: BatchFormer<QueuedRequest>;
  readonly #slots = new Map<string, Slot>();
  #inFlight = 0;
  #cancelWake: Cancel | undefined;
  #pumpScheduled = false;
  #successor: Dispatcher | undefined;

  constructor(options: DispatcherOptions, parts: DispatcherParts) {
    this.#options = options;
    this.#parts = parts;
    this.#former = new BatchFormer({ queueLimit: options.queueLimit, latePolicy: options.latePolicy });
  }

  /** Requests waiting. */
  get queued(): number {
    return this.#former.size;
  }

  /** Requests running on an instance. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Queues a request until its batch has an answer.
   *
   * @param arrivalMs when it came in: its deadline counts from there
   * @param signal aborts when the client hangs up: a request that still waits leaves the queue.
   * @throws InflessError OVERLOADED, DEADLINE_EXCEEDED, UNAVAILABLE.
   */
  submit(request: BatchedRequest, arrivalMs: number, signal?: AbortSignal): Promise<BatchedResponse> {
    return new Promise((resolve, reject) => {
      const queued: QueuedRequest = {
        arrivalMs,
        deadlineMs: arrivalMs + this.#options.sloMs,
        giveUpMs: arrivalMs + this.#options.maxWaitMs,
        request,
        resolve,
        reject,
        attempts: 0,
      };
      signal?.addEventListener('abort', () => this.#withdraw(queued), { once: true });
      this.#enqueue(queued);
      this.#schedulePump();
    });
  }

  /** The instances that may be used from now on. Those left out finish what they run. */
  setInstances(instances: readonly ServingInstance[]): void {
    const wanted = new Map(instances.map((instance) => [instance.id, instance]));
    for (const id of this.#slots.keys()) if (!wanted.has(id)) this.#slots.delete(id);
    for (const [id, instance] of wanted)
      if (!this.#slots.has(id)) this.#slots.set(id, this.#newSlot(instance));
    this.#schedulePump();
  }

  /** Hands what waits to the dispatcher that takes over, and later what may still come back from instances. */
  retireTo(successor: Dispatcher): void {
    this.#successor = successor;
    this.#cancelWake?.();
    for (const queued of this.#former.drain()) this.#enqueue(queued);
  }

  /** Fails everything that waits, e.g. because the function is deleted. */
  failAll(error: InflessError): void {
    for (const queued of this.#former.drain()) queued.reject(error);
    this.#cancelWake?.();
  }

  #newSlot(instance: ServingInstance): Slot {
    const quantile = this.#options.percentile / 100;
    const slot: Slot = {
      get key() {
        return slot;
      },
      maxBatch: instance.config.batch,
      executionMs: (rows) => this.#parts.times.batchMs(instance.config, rows, quantile),
      instance,
      busy: false,
    };
    return slot;
  }

  #enqueue(queued: QueuedRequest): void {
    if (this.#successor !== undefined) {
      this.#successor.#enqueue(queued);
      this.#successor.#schedulePump();
      return;
    }
    const { accepted, displaced } = this.#former.offer(queued);
    for (const other of displaced) other.reject(this.#overloaded());
    if (!accepted) queued.reject(this.#overloaded());
  }

  #withdraw(queued: QueuedRequest): void {
    if (!this.#former.withdraw(queued)) return;
    queued.reject(new InflessError('UNAVAILABLE', 'The client hung up while its request waited'));
  }

  /** Requests that arrive together are decided on together: once a turn of the event loop. */
  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#cancelWake?.();
    const { clock } = this.#parts;
    const idle = [...this.#slots.values()].filter((slot) => !slot.busy);
    const decision = this.#former.decide(clock.nowMs(), idle);
    for (const queued of decision.expired) queued.reject(this.#expired());
    for (const { server, requests } of decision.batches) void this.#run(server, requests);
    this.#cancelWake =
      decision.wakeAtMs === undefined ? undefined : clock.at(decision.wakeAtMs, () => this.#pump());
  }

  async #run(slot: Slot, batch: readonly QueuedRequest[]): Promise<void> {
    const { clock, transport, times, observed } = this.#parts;
    const { instance } = slot;
    slot.busy = true;
    this.#inFlight += batch.length;
    const startMs = clock.nowMs();
    try {
      const requests = batch.map((queued) => queued.request);
      const reply = await transport.send(instance.url, requests, this.#options.maxWaitMs);
      const roundTripMs = clock.nowMs() - startMs;
      batch.forEach((queued, index) => {
        queued.resolve(reply.responses[index]!);
      });
      const tabulatedMs = times.view.executionMs(instance.config, reply.timing.rows, 0.5);
      if (reply.timing.rows === batch.length)
        observed.record(instance.config, reply.timing, roundTripMs, tabulatedMs);
      const { executeMs } = reply.timing;
      this.#parts.onBatch?.({ instanceId: instance.id, size: batch.length, roundTripMs, executeMs });
      slot.busy = false;
    } catch (error) {
      this.#recover(slot, batch, error);
    }
    this.#inFlight -= batch.length;
    this.#schedulePump();
  }

  /** The instance is out of service until its platform says otherwise; its requests go back to their places. */
  #recover(slot: Slot, batch: readonly QueuedRequest[], error: unknown): void {
    const reason = error instanceof InstanceLost ? error.message : String(error);
    if (this.#slots.get(slot.instance.id) === slot) this.#slots.delete(slot.instance.id);
    this.#parts.onInstanceLost(slot.instance.id, reason);
    for (const queued of batch) {
      queued.attempts += 1;
      if (queued.attempts < MOST_ATTEMPTS) this.#enqueue(queued);
      else {
        queued.reject(
          new InflessError(
            'UNAVAILABLE',
            `${MOST_ATTEMPTS} instances of function "${this.#options.functionName}" failed this request`,
            {
              remedy: 'Look at the logs of its instances.',
            },
          ),
        );
      }
    }
  }

  #overloaded(): InflessError {
    return new InflessError(
      'OVERLOADED',
      `Function "${this.#options.functionName}" has as many requests waiting as it may`,
      {
        remedy: 'Send fewer, or allow it more instances.',
      },
    );
  }

  #expired(): InflessError {
    const { functionName, maxWaitMs } = this.#options;
    if (this.#slots.size > 0) {
      return new InflessError('DEADLINE_EXCEEDED', `Function "${functionName}" could not answer in time`, {
        remedy: 'Send fewer requests, or allow it more instances.',
      });
    }
    return new InflessError(
      'UNAVAILABLE',
      `No instance of function "${functionName}" became ready within ${maxWaitMs} ms`,
      {
        remedy: 'Try again later; if it stays so, look at the logs of its instances.',
      },
    );
  }
}
