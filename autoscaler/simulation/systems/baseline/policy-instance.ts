import type { Cancel } from '../../../../models/base/clock.ts';
import type { InferenceRequest, InferenceResponse } from '../../../../packager/server/instance-protocol.ts';
import type { Placement } from '../../../cluster/snapshot.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import type { ServingParts } from '../serving-system.ts';

/** How an instance's queue is worked off. */
export interface QueueRule {
  /** How long a partial batch waits for company. */
  readonly batchTimeoutMs: number;
  /** Most requests that may wait while a batch runs. */
  readonly queueLimit: number;
}

/** Whatever waits runs as soon as it can. */
export const AT_ONCE: QueueRule = { batchTimeoutMs: 0, queueLimit: Infinity };

export interface InstanceHooks {
  /** It has nothing to do. */
  idle(instance: PolicyInstance): void;
  /** A batch failed: these requests need another instance. */
  lost(instance: PolicyInstance, requests: readonly WaitingRequest[]): void;
}

/**
 * An instance with a queue of its own, as serving systems have them that route each request at once: a batch
 * runs when it is full, or when the oldest request has waited here for as long as it may.
 */
export class PolicyInstance {
  readonly id: string;
  readonly functionName: string;
  readonly candidate: Candidate;
  readonly placement: Placement;
  readonly rule: QueueRule;
  /** Share of the requests it gets, for policies that weigh; 0 for none. */
  weight = 0;
  /** Since when it is not needed; undefined while it is. */
  releasedAtMs: number | undefined;
  readonly #parts: ServingParts;
  readonly #hooks: InstanceHooks;
  #queue: { readonly pending: WaitingRequest; readonly sinceMs: number }[] = [];
  #url: string | undefined;
  #running = 0;
  #cancelWake: Cancel | undefined;

  constructor(
    what: {
      readonly id: string;
      readonly functionName: string;
      readonly candidate: Candidate;
      readonly placement: Placement;
      readonly rule: QueueRule;
    },
    parts: ServingParts,
    hooks: InstanceHooks,
  ) {
    this.id = what.id;
    this.functionName = what.functionName;
    this.candidate = what.candidate;
    this.placement = what.placement;
    this.rule = what.rule;
    this.#parts = parts;
    this.#hooks = hooks;
  }

  get isReady(): boolean {
    return this.#url !== undefined;
  }

  /** Requests here, waiting and running. */
  get load(): number {
    return this.#queue.length + this.#running;
  }

  becameReady(url: string): void {
    this.#url = url;
    this.#next();
  }

  /** Returns false, and takes nothing, where its queue is full. */
  offer(requests: readonly WaitingRequest[]): boolean {
    if (this.#queue.length + requests.length > this.rule.queueLimit) return false;
    const sinceMs = this.#parts.clock.nowMs();
    for (const pending of requests) this.#queue.push({ pending, sinceMs });
    this.#next();
    return true;
  }

  /** Takes out what waits, because the instance is no more. */
  drain(): WaitingRequest[] {
    this.#cancelWake?.();
    return this.#queue.splice(0).map(({ pending }) => pending);
  }

  #next(): void {
    this.#cancelWake?.();
    if (this.#running > 0 || this.#url === undefined) return;
    const oldest = this.#queue[0];
    if (oldest === undefined) {
      this.#hooks.idle(this);
      return;
    }
    const { clock } = this.#parts;
    const { batch } = this.candidate.config;
    const dueMs = oldest.sinceMs + this.rule.batchTimeoutMs;
    if (this.#queue.length >= batch || dueMs <= clock.nowMs()) void this.#run(this.#url, batch);
    else this.#cancelWake = clock.at(dueMs, () => this.#next());
  }

  async #run(url: string, most: number): Promise<void> {
    const batch = this.#queue.splice(0, most).map(({ pending }) => pending);
    this.#running = batch.length;
    try {
      const requests = batch.map(({ request }) => request);
      const { responses } = await this.#parts.transport.send(url, requests, Number.MAX_SAFE_INTEGER);
      batch.forEach((pending, index) => {
        pending.resolve(responses[index]!);
      });
    } catch {
      this.#hooks.lost(this, batch);
    }
    this.#running = 0;
    this.#next();
  }
}

/** A request that has no answer yet. */
export interface WaitingRequest {
  readonly request: InferenceRequest;
  readonly arrivalMs: number;
  readonly resolve: (response: InferenceResponse) => void;
  readonly reject: (error: Error) => void;
  /** Batches that failed under it. */
  attempts: number;
}
