import type { Cancel, Clock } from '../../models/base/clock.ts';
import { type InflessError, messageOf } from '../../models/base/errors.ts';
import { BatchFormer, type LatePolicy } from '../../models/batching/batch-former.ts';
import { DeadlineQueue } from '../../models/batching/deadline-queue.ts';
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
import { BatchWatch, type GivenUp } from './batch-watch.ts';
import {
  clientGone,
  failedTooOften,
  harmful,
  InstanceLost,
  noInstance,
  overloaded,
  tooLate,
} from './dispatch-errors.ts';
import { type QueuedRequest, queuedRequest, type ServedTimes } from './queued-request.ts';
import { Suspects } from './suspects.ts';
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
  readonly onInstanceLost: (id: string, reason: string, how: HowLost) => void;
  /** Told when nothing waits and nothing runs (any more). */
  readonly onDrained?: () => void;
  readonly onBatch?: (batch: DispatchedBatch) => void;
}

/** `failed`: it may be gone, or refuses. The others: see {@link GivenUp}. */
export type HowLost = GivenUp['kind'] | 'failed';

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

/** A batch may fail under a request this often, for reasons that are none of the request's. */
const MOST_ATTEMPTS = 5;

/**
 * How long a request that ran alone on a lost instance waits for the platform to say what became of the
 * instance. Then it may run on another one.
 */
const VERDICT_MS = 1_000;
/** How many ended instances are remembered with how they ended: news of their batches may come later. */
const ENDED_KNOWN = 50;

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
  /** Requests that run alone, one at a time, since an instance died under a batch with them. */
  readonly #alone = new DeadlineQueue<QueuedRequest>();
  readonly #suspects = new Suspects();
  #aloneIsRunning = false;
  /** By instance: the request that was alone on it, until it is known what became of the instance. */
  readonly #awaitingVerdict = new Map<string, (byItself: boolean) => void>();
  /** Whether instances that are gone ended by themselves. */
  readonly #ended = new Map<string, boolean>();
  readonly #slots = new Map<string, InstanceServer>();
  /** The largest batch, whatever the configs of instances allow. */
  #mostTogether = Infinity;
  #inFlight = 0;
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
    return this.#former.size + this.#alone.size + this.#awaitingVerdict.size;
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
   * @param onServed told where its time went, before it is answered
   * @throws InflessError OVERLOADED, DEADLINE_EXCEEDED, UNAVAILABLE.
   */
  submit(
    request: InferenceRequest,
    arrivalMs: number,
    signal?: AbortSignal,
    onServed?: (times: ServedTimes) => void,
  ): Promise<InferenceResponse> {
    return new Promise((resolve, reject) => {
      // A signal may outlive its request, and would hold its body for as long.
      const onAbort = (): void => this.#abandon(queued);
      const queued = queuedRequest(
        request,
        arrivalMs,
        {
          resolve(response) {
            signal?.removeEventListener('abort', onAbort);
            resolve(response);
          },
          reject(error) {
            signal?.removeEventListener('abort', onAbort);
            reject(error);
          },
        },
        onServed,
      );
      queued.isAbandoned = signal?.aborted ?? false;
      signal?.addEventListener('abort', onAbort, { once: true });
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
    this.#scheduleDispatch();
  }

  /** An instance is gone. @param byItself nobody has stopped it, or wanted it to end */
  instanceGone(id: string, byItself: boolean): void {
    this.#ended.set(id, byItself);
    if (this.#ended.size > ENDED_KNOWN) this.#ended.delete(this.#ended.keys().next().value!);
    this.#awaitingVerdict.get(id)?.(byItself);
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
    for (const judge of [...this.#awaitingVerdict.values()]) judge(false); // the model may be another
    for (const queued of this.#drain()) successor.#enqueue(queued);
  }

  /**
   * Fails everything that waits with `error` and, until then or until there is an instance, everything that
   * comes: e.g. because instances evidently cannot start, or for ever because the function is deleted.
   */
  refuseUntil(untilMs: number, error: InflessError): void {
    this.#refusal = { untilMs, error };
    this.#cancelWake?.();
    for (const queued of this.#drain()) queued.reject(error);
    this.#scheduleDispatch();
  }

  /** Empties what waits. */
  #drain(): QueuedRequest[] {
    return [...this.#former.drain(), ...this.#alone.take(this.#alone.size)];
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
    queued.expiresAtMs = queued.arrivalMs + this.#patienceMs;
    const { body } = queued.request;
    if (this.#suspects.isRefused(body, clock.nowMs())) {
      queued.reject(harmful(functionName));
      this.#scheduleDispatch();
      return;
    }
    if (queued.isSuspect || this.#suspects.has(body, clock.nowMs())) {
      queued.isSuspect = true;
      this.#alone.insert(queued);
      this.#scheduleDispatch();
      return;
    }
    const { accepted, displaced } = this.#former.offer(queued, queued.attempts === 0);
    for (const other of displaced) other.reject(overloaded(functionName));
    if (accepted) this.#scheduleDispatch();
    else queued.reject(overloaded(functionName));
  }

  /** How long a request may wait: no longer than an answer is worth something. */
  get #patienceMs(): number {
    const { latePolicy, sloMs, maxWaitMs } = this.#options;
    return latePolicy === 'reject' ? Math.min(sloMs, maxWaitMs) : maxWaitMs;
  }

  /** A batch that runs is not stopped, but it is not repeated for a client that is gone either. */
  #abandon(queued: QueuedRequest): void {
    queued.isAbandoned = true;
    if (this.#successor !== undefined) this.#successor.#abandon(queued);
    else if (this.#former.withdraw(queued) || this.#alone.remove(queued)) {
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
    if (this.queued > 0) this.#dispatch();
    if (this.queued === 0 && this.#inFlight === 0) this.#parts.onDrained?.();
  }

  #dispatch(): void {
    const { clock } = this.#parts;
    const idle: InstanceServer[] = [];
    const busy: InstanceServer[] = [];
    for (const slot of this.#slots.values()) (slot.isBusy ? busy : idle).push(slot);
    const aloneWakeAtMs = this.#runAlone(idle, busy);
    const { expired, batches, wakeAtMs } = this.#former.decide(clock.nowMs(), idle, busy);
    const trial = batches.length === 0 ? this.#trialOf(expired, idle) : undefined;
    for (const queued of expired) if (queued !== trial) queued.reject(this.#expired());
    for (const { server, requests } of batches) void this.#run(server, requests);
    if (trial !== undefined) void this.#run(quickest(idle), [trial]);
    const nextAtMs = Math.min(wakeAtMs ?? Infinity, aloneWakeAtMs);
    if (nextAtMs < Infinity) this.#cancelWake = clock.at(nextAtMs, this.#pumpNow);
  }

  /**
   * Gives the most urgent suspect an instance for itself, unless another one has one or it is not known yet
   * what that did. Returns when the next of them expires.
   */
  #runAlone(idle: InstanceServer[], busy: InstanceServer[]): number {
    const nowMs = this.#parts.clock.nowMs();
    while ((this.#alone.at(0)?.expiresAtMs ?? Infinity) <= nowMs)
      for (const queued of this.#alone.take(1)) queued.reject(this.#expired());
    const mayRun = !this.#aloneIsRunning && this.#awaitingVerdict.size === 0 && idle.length > 0;
    if (mayRun && this.#alone.size > 0) {
      const slot = quickest(idle);
      idle.splice(idle.indexOf(slot), 1);
      busy.push(slot);
      this.#aloneIsRunning = true;
      void this.#run(slot, this.#alone.take(1));
    }
    return this.#alone.at(0)?.expiresAtMs ?? Infinity;
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
    const { isSuspect } = batch[0]!; // as others may become by failing now
    let reply: BatchResponse | undefined;
    const watch = this.#watch(slot, batch.length);
    try {
      reply = await transport.send(slot.instance.url, requests, this.#options.maxWaitMs, watch?.signal);
    } catch (error) {
      this.#recover(slot, batch, error, watch?.givenUp);
    }
    watch?.end();
    this.#inFlight -= batch.length;
    if (isSuspect) this.#aloneIsRunning = false;
    slot.isBusy = false;
    this.#former.answered(clock.nowMs());
    this.#scheduleDispatch();
    if (reply === undefined) return;
    const roundTripMs = clock.nowMs() - startMs;
    for (let index = 0; index < batch.length; index += 1) {
      const queued = batch[index]!;
      queued.onServed?.(servedTimes(queued, startMs, roundTripMs, batch.length, reply.timing));
      queued.resolve(reply.responses[index]!);
    }
    if (isSuspect) this.#suspects.clear(batch[0]!.request.body);
    this.#observe(slot, batch.length, reply, roundTripMs);
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

  #watch({ instance, executionMs }: InstanceServer, requests: number): BatchWatch | undefined {
    const { clock, transport } = this.#parts;
    if (transport.probe === undefined) return undefined;
    return new BatchWatch(clock, executionMs(requests), () => transport.probe!(instance.url));
  }

  /**
   * The instance is out of service until its platform says otherwise; its requests go back to their places,
   * or run alone where one of them may be what it died of.
   */
  #recover(
    slot: InstanceServer,
    batch: readonly QueuedRequest[],
    error: unknown,
    givenUp: GivenUp | undefined,
  ): void {
    const { id } = slot.instance;
    if (this.#slots.get(id) === slot) this.#slots.delete(id);
    this.#parts.onInstanceLost(id, givenUp?.reason ?? messageOf(error), givenUp?.kind ?? 'failed');
    const mayHaveDied =
      givenUp === undefined ? !(error instanceof InstanceLost) || error.mayHaveRun : givenUp.kind === 'stuck';
    if (!mayHaveDied) for (const queued of batch) this.#tryAgain(queued);
    else if (batch.length > 1) for (const queued of batch) this.#accuse(queued);
    else this.#awaitVerdict(id, batch[0]!, givenUp?.kind === 'stuck');
  }

  #accuse(queued: QueuedRequest): void {
    this.#suspects.accuse(queued.request.body, this.#parts.clock.nowMs());
    queued.isSuspect = true;
    queued.attempts += 1;
    this.#enqueue(queued);
  }

  /** It was alone: whether it did anything to the instance, the platform will tell. */
  #awaitVerdict(id: string, queued: QueuedRequest, isStuck: boolean): void {
    const { clock } = this.#parts;
    this.#suspects.accuse(queued.request.body, clock.nowMs());
    queued.isSuspect = true;
    const known = this.#successor !== undefined ? false : isStuck ? true : this.#ended.get(id);
    if (known !== undefined) {
      this.#judge(queued, known);
      return;
    }
    const judge = (byItself: boolean): void => {
      cancel();
      this.#awaitingVerdict.delete(id);
      this.#judge(queued, byItself);
      this.#scheduleDispatch();
    };
    const cancel = clock.at(clock.nowMs() + VERDICT_MS, () => judge(false));
    this.#awaitingVerdict.set(id, judge);
  }

  #judge(queued: QueuedRequest, byItself: boolean): void {
    const isHarmful = byItself && this.#suspects.convict(queued.request.body, this.#parts.clock.nowMs());
    if (isHarmful) queued.reject(harmful(this.#options.functionName));
    else this.#tryAgain(queued);
  }

  #tryAgain(queued: QueuedRequest): void {
    queued.attempts += 1;
    if (queued.attempts < MOST_ATTEMPTS) this.#enqueue(queued);
    else queued.reject(failedTooOften(this.#options.functionName, MOST_ATTEMPTS));
  }

  #expired(): InflessError {
    const { functionName } = this.#options;
    return this.#slots.size > 0 ? tooLate(functionName) : noInstance(functionName, this.#patienceMs);
  }
}

function quickest(slots: readonly InstanceServer[]): InstanceServer {
  return slots.reduce((a, b) => (b.executionMs(1) < a.executionMs(1) ? b : a));
}

function servedTimes(
  { arrivalMs }: QueuedRequest,
  startMs: number,
  roundTripMs: number,
  requests: number,
  { decodeMs, executeMs, encodeMs }: BatchResponse['timing'],
): ServedTimes {
  const codecMs = decodeMs + encodeMs;
  const transferMs = Math.max(0, roundTripMs - codecMs - executeMs);
  return { queueMs: startMs - arrivalMs, codecMs, executeMs, transferMs, requests };
}
