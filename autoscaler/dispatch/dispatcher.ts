import type { Cancel, Clock } from '../../models/base/clock.ts';
import { type InflessError, messageOf } from '../../models/base/errors.ts';
import { BatchFormer, type LatePolicy } from '../../models/batching/batch-former.ts';
import type { BusyServer, IdleServer } from '../../models/batching/servers.ts';
import type {
  BatchResponse,
  InferenceRequest,
  InferenceResponse,
} from '../../packager/server/instance-protocol.ts';
import type { InstanceEndpoint } from '../cluster/instance.ts';
import { BatchTimes } from '../latency/batch-times.ts';
import type { ObservedTimes } from '../latency/observed-times.ts';
import type { ServiceTimes } from '../latency/service-times.ts';
import { clientGone, failedTooOften, noInstance, overloaded, tooLate } from './dispatch-errors.ts';
import { type QueuedRequest, queuedRequest } from './queued-request.ts';
import type { BatchTransport } from './transport.ts';

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
  /** Told when nothing waits and nothing runs (any more). */
  readonly onDrained?: () => void;
  readonly onBatch?: (batch: DispatchedBatch) => void;
}

export interface DispatchedBatch {
  readonly instanceId: string;
  readonly size: number;
  readonly roundTripMs: number;
  readonly executeMs: number;
  /** See {@link BatchResponse.ranAlone}. */
  readonly ranAlone?: string;
}

interface InstanceServer extends IdleServer<InstanceServer>, BusyServer {
  readonly instance: InstanceEndpoint;
  maxBatch: number;
  readonly times: BatchTimes;
  isBusy: boolean;
  idleAtMs: number;
}

/** For a while, requests are refused instead of being queued. */
interface Refusal {
  readonly untilMs: number;
  readonly error: InflessError;
}

const SOON = Promise.resolve();

/**
 * While instances serve, a late request waits for so many SLOs at most, or for so many of the quickest runs where
 * these take longer: who is late by more than that would not have waited either.
 */
const PATIENCE = 2;

/** A batch may fail under a request this often before the request is the suspect. */
const MOST_ATTEMPTS = 3;

/**
 * Where batches are believed to take longer than the SLO, requests that may not be late would all be refused,
 * and nothing would show that they take less by now: so often one is tried all the same.
 */
const TRIAL_EVERY_MS = 1_000;

/**
 * One function's queue over its instances: requests wait here, in deadline order, until the batch former
 * binds them to an instance that is idle. A batch that fails goes back into the queue with its old deadlines,
 * so that losing an instance loses no request that another can still answer.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #parts: DispatcherParts;
  readonly #former: BatchFormer<QueuedRequest>;
  readonly #slots = new Map<string, InstanceServer>();
  /** The largest batch, whatever the configs of instances allow. */
  #mostTogether = Infinity;
  #inFlight = 0;
  /** Since when there has been an instance; requests that waited for it have not waited for their turn. */
  #servingSinceMs = Infinity;
  #latestBatchMs = -Infinity;
  #cancelWake: Cancel | undefined;
  #isPumpScheduled = false;
  readonly #pumpNow = (): void => this.#pump();
  #successor: Dispatcher | undefined;
  #refusal: Refusal | undefined;

  constructor(options: DispatcherOptions, parts: DispatcherParts) {
    this.#options = options;
    this.#parts = parts;
    this.#former = new BatchFormer({ queueLimit: options.queueLimit, latePolicy: options.latePolicy });
  }

  /** Requests waiting. */
  get queued(): number {
    return this.#former.size;
  }

  /** Whether it has an instance to send requests to. */
  get isServing(): boolean {
    return this.#slots.size > 0;
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
  submit(request: InferenceRequest, arrivalMs: number, signal?: AbortSignal): Promise<InferenceResponse> {
    return new Promise((resolve, reject) => {
      const queued = queuedRequest(request, arrivalMs, { resolve, reject });
      queued.isAbandoned = signal?.aborted ?? false;
      signal?.addEventListener('abort', () => this.#abandon(queued), { once: true });
      this.#enqueue(queued);
    });
  }

  /** The instances that may be used from now on. Those left out finish what they run. */
  setInstances(instances: readonly InstanceEndpoint[]): void {
    const { clock, observed } = this.#parts;
    if (instances.length > 0) this.#refusal = undefined;
    if (instances.length > 0) observed.hold(clock.nowMs());
    else observed.release(clock.nowMs());
    const wanted = new Map(instances.map((instance) => [instance.id, instance]));
    for (const id of this.#slots.keys()) if (!wanted.has(id)) this.#slots.delete(id);
    for (const [id, instance] of wanted)
      if (!this.#slots.has(id)) this.#slots.set(id, this.#newSlot(instance));
    this.#servingChanged();
    this.#scheduleDispatch();
  }

  /** From now on, each request is a batch of its own. */
  stopBatching(): void {
    this.#mostTogether = 1;
    for (const slot of this.#slots.values()) slot.maxBatch = 1;
    this.#scheduleDispatch();
  }

  /**
   * Hands what waits to the dispatcher that takes over, and later what may still come back from instances.
   */
  retireTo(successor: Dispatcher): void {
    this.#successor = successor;
    this.#cancelWake?.();
    for (const queued of this.#former.drain()) successor.#enqueue(queued);
  }

  /**
   * Fails everything that waits with `error` and, until then or until there is an instance, everything that
   * comes: e.g. because instances evidently cannot start, or for ever because the function is deleted.
   */
  refuseUntil(untilMs: number, error: InflessError): void {
    this.#refusal = { untilMs, error };
    this.#cancelWake?.();
    for (const queued of this.#former.drain()) queued.reject(error);
    this.#scheduleDispatch();
  }

  #newSlot(instance: InstanceEndpoint): InstanceServer {
    const { config } = instance;
    const times = new BatchTimes({ ...this.#parts, config, quantile: this.#options.percentile / 100 });
    const slot: InstanceServer = {
      get key() {
        return slot;
      },
      maxBatch: Math.min(config.batch, this.#mostTogether),
      executionMs: (rows) => times.ms(rows),
      instance,
      times,
      isBusy: false,
      idleAtMs: 0,
    };
    return slot;
  }

  #enqueue(queued: QueuedRequest): void {
    if (this.#successor !== undefined) {
      this.#successor.#enqueue(queued);
      return;
    }
    const { clock } = this.#parts;
    const isRefused = this.#refusal !== undefined && clock.nowMs() < this.#refusal.untilMs;
    if (queued.isAbandoned || isRefused) {
      queued.reject(queued.isAbandoned ? clientGone() : this.#refusal!.error);
      this.#scheduleDispatch(); // it may have been all there was to wait for
      return;
    }
    const { functionName, sloMs } = this.#options;
    queued.deadlineMs = queued.arrivalMs + sloMs;
    queued.expiresAtMs = this.#expiryOf(queued);
    const { accepted, displaced } = this.#former.offer(queued, queued.attempts === 0);
    for (const other of displaced) other.reject(overloaded(functionName));
    if (accepted) this.#scheduleDispatch();
    else queued.reject(overloaded(functionName));
  }

  /** The longest that a request may wait for an instance. */
  get #longestWaitMs(): number {
    const { latePolicy, sloMs, maxWaitMs } = this.#options;
    return latePolicy === 'reject' ? Math.min(sloMs, maxWaitMs) : maxWaitMs;
  }

  /** Until when a request may wait: no longer than an answer is worth something. */
  #expiryOf({ arrivalMs }: QueuedRequest): number {
    const latestMs = arrivalMs + this.#longestWaitMs;
    if (this.#slots.size === 0) return latestMs;
    let quickestMs = Infinity;
    for (const slot of this.#slots.values()) quickestMs = Math.min(quickestMs, slot.executionMs(1));
    const turnMs = PATIENCE * Math.max(this.#options.sloMs, quickestMs);
    return Math.min(latestMs, Math.max(arrivalMs, this.#servingSinceMs) + turnMs);
  }

  /** There is a first instance, or none any more: it is something else that requests wait for. */
  #servingChanged(): void {
    const serves = this.#slots.size > 0;
    if (serves === this.#servingSinceMs < Infinity) return;
    this.#servingSinceMs = serves ? this.#parts.clock.nowMs() : Infinity;
    this.#former.forEach((queued) => {
      queued.expiresAtMs = this.#expiryOf(queued);
    });
  }

  /** A batch that runs is not stopped, but it is not repeated for a client that is gone either. */
  #abandon(queued: QueuedRequest): void {
    queued.isAbandoned = true;
    if (this.#successor !== undefined) this.#successor.#abandon(queued);
    else if (this.#former.withdraw(queued)) {
      queued.reject(clientGone());
      this.#scheduleDispatch();
    }
  }

  /** Requests that arrive together are decided on together: once a turn of the event loop. */
  #scheduleDispatch(): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    // as queueMicrotask() does it, without its context for tracing: there is one a request
    void SOON.then(this.#pumpNow);
  }

  #pump(): void {
    this.#isPumpScheduled = false;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#former.size > 0) this.#dispatch();
    if (this.#former.size === 0 && this.#inFlight === 0) this.#parts.onDrained?.();
  }

  #dispatch(): void {
    const { clock } = this.#parts;
    const idle: InstanceServer[] = [];
    const busy: InstanceServer[] = [];
    for (const slot of this.#slots.values()) (slot.isBusy ? busy : idle).push(slot);
    const { expired, batches, wakeAtMs } = this.#former.decide(clock.nowMs(), idle, busy);
    const trial = batches.length === 0 ? this.#trialOf(expired, idle) : undefined;
    for (const queued of expired) if (queued !== trial) queued.reject(this.#expired());
    for (const { server, requests } of batches) void this.#run(server, requests);
    if (trial !== undefined) void this.#run(quickest(idle), [trial]);
    if (wakeAtMs !== undefined) this.#cancelWake = clock.at(wakeAtMs, this.#pumpNow);
  }

  /** One that is refused only since no instance is believed to be quick enough, were it ever so idle. */
  #trialOf(expired: readonly QueuedRequest[], idle: readonly InstanceServer[]): QueuedRequest | undefined {
    const nowMs = this.#parts.clock.nowMs();
    const { sloMs } = this.#options;
    if (idle.length === 0 || nowMs < this.#latestBatchMs + TRIAL_EVERY_MS) return undefined;
    for (const slot of this.#slots.values()) if (slot.executionMs(1) <= sloMs) return undefined;
    return expired.find(({ expiresAtMs }) => expiresAtMs > nowMs);
  }

  async #run(slot: InstanceServer, batch: readonly QueuedRequest[]): Promise<void> {
    const { clock, transport } = this.#parts;
    const startMs = clock.nowMs();
    this.#latestBatchMs = startMs;
    slot.isBusy = true;
    slot.idleAtMs = startMs + slot.executionMs(batch.length);
    this.#inFlight += batch.length;
    const requests = batch.map(({ request }) => request);
    let reply: BatchResponse | undefined;
    try {
      reply = await transport.send(slot.instance.url, requests, this.#options.maxWaitMs);
    } catch (error) {
      this.#recover(slot, batch, messageOf(error));
    }
    this.#inFlight -= batch.length;
    slot.isBusy = false;
    this.#former.answered(clock.nowMs());
    this.#scheduleDispatch();
    if (reply === undefined) return;
    for (let index = 0; index < batch.length; index += 1) batch[index]!.resolve(reply.responses[index]!);
    this.#observe(slot, batch.length, reply, clock.nowMs() - startMs);
  }

  #observe(
    slot: InstanceServer,
    size: number,
    { timing, ranAlone }: BatchResponse,
    roundTripMs: number,
  ): void {
    const { times, instance } = slot;
    if (ranAlone === undefined) times.record(size, timing, roundTripMs);
    else slot.maxBatch = 1; // the instance would run any batch one by one
    const batch = { instanceId: instance.id, size, roundTripMs, executeMs: timing.executeMs };
    this.#parts.onBatch?.(ranAlone === undefined ? batch : { ...batch, ranAlone });
  }

  /**
   * The instance is out of service until its platform says otherwise; its requests go back to their places.
   */
  #recover(slot: InstanceServer, batch: readonly QueuedRequest[], reason: string): void {
    const { id } = slot.instance;
    if (this.#slots.get(id) === slot) this.#slots.delete(id);
    this.#servingChanged();
    this.#parts.onInstanceLost(id, reason);
    for (const queued of batch) {
      queued.attempts += 1;
      if (queued.attempts < MOST_ATTEMPTS) this.#enqueue(queued);
      else queued.reject(failedTooOften(this.#options.functionName, MOST_ATTEMPTS));
    }
  }

  #expired(): InflessError {
    const { functionName } = this.#options;
    return this.#slots.size > 0 ? tooLate(functionName) : noInstance(functionName, this.#longestWaitMs);
  }
}

function quickest(slots: readonly InstanceServer[]): InstanceServer {
  return slots.reduce((a, b) => (b.executionMs(1) < a.executionMs(1) ? b : a));
}
