import type { Cancel } from '../../../models/base/clock.ts';
import { priceOf } from '../../cluster/price.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { BaselineSystem, type ScalingRule, type SystemContext } from './baseline/baseline-system.ts';
import type { PolicyInstance, WaitingRequest } from './baseline/policy-instance.ts';
import type { ServedFunction } from './baseline/served-function.ts';
import type { System } from './serving-system.ts';

/**
 * How often batch size, memory (here: CPU and GPU) and time-out are chosen anew, and from which stretch of
 * arrivals.
 */
const TICK_MS = 1_000;
const RATE_WINDOW_MS = 10_000;
/** A platform keeps an idle instance for a while. */
const KEEP_ALIVE_MS = 30_000;
/** The choice moves only for a saving; each move starts all instances anew. */
const WORTHWHILE_SAVING = 0.1;

/**
 * BATCH (Ali et al., SC'20): a buffer in front of a serverless platform collects requests into batches; one
 * batch size, one instance size and one time-out for all, chosen analytically as the cheapest that keep the
 * SLO at the present rate. The platform runs each batch in an instance of its own: in one that is idle, or
 * else in a new one.
 */
export const batchSystem: System = {
  name: 'batch',
  description: "BATCH (SC'20): one config and time-out by analysis, an instance for each batch at a time",
  create: (parts) => new BaselineSystem(parts, (hands) => new BatchStrategy(hands)),
};

export interface BatchChoice {
  readonly candidate: Candidate;
  /** How long the first request of a batch waits for company. */
  readonly timeoutMs: number;
  /** Mean price × ms that a request costs. */
  readonly costPerRequest: number;
}

/**
 * The cheapest config and time-out of which every request is in time, batches of Poisson arrivals being as
 * large as they come: the time-out is what a full batch leaves of the SLO; longer, and first requests are
 * late; shorter, and batches are smaller.
 *
 * @param executionMs time of a batch of so many requests
 */
export function chooseBatching(
  candidates: readonly Candidate[],
  executionMs: (candidate: Candidate, requests: number) => number,
  sloMs: number,
  ratePerSecond: number,
): BatchChoice | undefined {
  let best: BatchChoice | undefined;
  for (const candidate of candidates) {
    const { batch } = candidate.config;
    if (candidate.tailMs > sloMs) continue;
    const timeoutMs = batch === 1 ? 0 : sloMs - candidate.tailMs;
    const sizes = batchSizes(batch, (ratePerSecond * timeoutMs) / 1000);
    let meanMs = 0;
    let meanSize = 0;
    sizes.forEach((probability, index) => {
      meanMs += probability * executionMs(candidate, index + 1);
      meanSize += probability * (index + 1);
    });
    const costPerRequest = (priceOf(candidate.config) * meanMs) / meanSize;
    if (best === undefined || costPerRequest < best.costPerRequest) {
      best = { candidate, timeoutMs, costPerRequest };
    }
  }
  return best;
}

/**
 * How large batches are: the first request opens one; it leaves when `largest` are in, or with those who came
 * meanwhile.
 *
 * @param expected how many are expected to come while it is open
 * @returns probability of 1, 2, … requests at index 0, 1, …
 */
export function batchSizes(largest: number, expected: number): number[] {
  const sizes: number[] = [];
  let poisson = Math.exp(-expected);
  let left = 1;
  for (let others = 0; others < largest - 1; others += 1) {
    sizes.push(poisson);
    left -= poisson;
    poisson *= expected / (others + 1);
  }
  return [...sizes, Math.max(0, left)];
}

/** One function's buffer and the batches that wait for an instance. */
interface Buffer {
  choice: BatchChoice | undefined;
  open: WaitingRequest[];
  closed: WaitingRequest[][];
  cancelTimeout: Cancel | undefined;
  readonly idleSinceMs: Map<PolicyInstance, number>;
}

class BatchStrategy implements ScalingRule {
  readonly tickMs = TICK_MS;
  readonly #hands: SystemContext;
  readonly #buffers = new Map<ServedFunction, Buffer>();

  constructor(hands: SystemContext) {
    this.#hands = hands;
  }

  scale(served: ServedFunction, nowMs: number): void {
    const buffer = this.#bufferOf(served);
    this.#choose(served, buffer, nowMs);
    const current = buffer.choice?.candidate;
    const hasCurrent = served.ready.some(({ candidate }) => candidate === current);
    const { min } = served.deployment.spec.scale;
    while (current !== undefined && served.instances.length < min) {
      if (this.#hands.start(served, current) === undefined) break;
    }
    for (const instance of [...served.instances]) {
      if (served.instances.length <= min) return;
      const idleSinceMs = buffer.idleSinceMs.get(instance) ?? nowMs;
      const isOld = hasCurrent && instance.candidate !== current;
      if (!instance.isReady || instance.load > 0) continue;
      if (!isOld && nowMs - idleSinceMs < KEEP_ALIVE_MS) continue;
      buffer.idleSinceMs.delete(instance);
      this.#hands.stop(served, instance);
    }
  }

  route(served: ServedFunction, nowMs: number): void {
    const buffer = this.#bufferOf(served);
    if (buffer.choice === undefined) this.#choose(served, buffer, nowMs);
    for (const pending of served.waiting.splice(0)) this.#collect(served, buffer, pending);
    this.#dispatch(served, buffer, nowMs);
  }

  #choose(served: ServedFunction, buffer: Buffer, nowMs: number): void {
    const rate = served.ratePerSecond(nowMs, RATE_WINDOW_MS);
    const executionMs = (candidate: Candidate, requests: number): number =>
      served.times.batchMs(candidate.config, requests, 0.5);
    const best = chooseBatching(served.candidates, executionMs, served.sloMs, rate);
    const { choice } = buffer;
    if (best === undefined || choice === undefined) {
      buffer.choice = best ?? choice;
      return;
    }
    const same = served.candidates.filter((candidate) => candidate === choice.candidate);
    const kept = chooseBatching(same, executionMs, served.sloMs, rate)!;
    const isBetter = best.costPerRequest < (1 - WORTHWHILE_SAVING) * kept.costPerRequest;
    buffer.choice = isBetter ? best : kept;
  }

  #collect(served: ServedFunction, buffer: Buffer, pending: WaitingRequest): void {
    const { choice, open } = buffer;
    open.push(pending);
    if (choice === undefined) return; // no config keeps the SLO: it waits until it is given up
    if (open.length >= choice.candidate.config.batch) this.#close(buffer);
    else if (open.length === 1) {
      const { clock } = this.#hands.parts;
      buffer.cancelTimeout = clock.at(clock.nowMs() + choice.timeoutMs, () => {
        this.#close(buffer);
        this.#dispatch(served, buffer, clock.nowMs());
      });
    }
  }

  #close(buffer: Buffer): void {
    buffer.cancelTimeout?.();
    if (buffer.open.length > 0) buffer.closed.push(buffer.open);
    buffer.open = [];
  }

  /**
   * Batches go to idle instances, first come first served; for each that finds none, another instance is on
   * its way.
   */
  #dispatch(served: ServedFunction, buffer: Buffer, nowMs: number): void {
    for (const instance of served.instances) {
      if (!instance.isReady || instance.load > 0) continue;
      const batch = buffer.closed.shift();
      if (batch === undefined) {
        if (!buffer.idleSinceMs.has(instance)) buffer.idleSinceMs.set(instance, nowMs);
        continue;
      }
      buffer.idleSinceMs.delete(instance);
      instance.offer(batch);
    }
    const { choice } = buffer;
    if (choice === undefined) return;
    let starting = served.instances.filter(({ isReady }) => !isReady).length;
    const { max } = served.deployment.spec.scale;
    while (starting < buffer.closed.length && served.instances.length < max) {
      if (this.#hands.start(served, choice.candidate) === undefined) return;
      starting += 1;
    }
  }

  #bufferOf(served: ServedFunction): Buffer {
    let buffer = this.#buffers.get(served);
    if (buffer === undefined) {
      buffer = {
        choice: undefined,
        open: [],
        closed: [],
        cancelTimeout: undefined,
        idleSinceMs: new Map(),
      };
      this.#buffers.set(served, buffer);
    }
    return buffer;
  }
}
