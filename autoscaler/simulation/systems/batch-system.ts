import type { Cancel } from '../../../models/base/clock.ts';
import { priceOf } from '../../cluster/price.ts';
import type { KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { BaselineSystem, type ScalingRule, type SystemContext } from './baseline/baseline-system.ts';
import type { PolicyInstance, WaitingRequest } from './baseline/policy-instance.ts';
import type { ServedFunction } from './baseline/served-function.ts';
import { makeRoomBesideGpus } from './baseline/uniform-config.ts';
import type { System } from './serving-system.ts';

/**
 * How often batch size, memory (here: CPU and GPU) and time-out are chosen anew, and from which stretch of
 * arrivals.
 */
const TICK_MS = 1_000;
const RATE_WINDOW_MS = 10_000;
/**
 * BATCH runs on AWS Lambda, which keeps an idle instance for ten minutes (Shahrad et al., *Serverless in the
 * Wild*, ATC'20, §1).
 */
const KEEP_ALIVE_MS = 600_000;
/** The choice moves only for a saving; each move starts all instances anew. */
const WORTHWHILE_SAVING = 0.1;

/**
 * BATCH (Ali et al., SC'20): a buffer in front of a serverless platform collects requests into batches; one
 * batch size, one instance size and one time-out for all, chosen analytically as the cheapest that keep the
 * SLO at the present rate. The platform runs each batch in an instance of its own: in one that is idle, or
 * else in a new one.
 *
 * Lambda has room for every instance, a cluster has not: where there is none for the chosen config, a batch
 * runs in the cheapest other that takes it as a whole and is no slower. Where there is none for any, the
 * choice is made among the configs with a share of a GPU, as in the BATCH with GPUs that INFless was compared
 * with (ASPLOS'22 §5.1), and instances on CPUs alone make room for them ({@link makeRoomBesideGpus}).
 *
 * Left out: the profiling by regression and the fit of arrivals as a MAP (rates are Poisson here, service
 * times the table's), and Lambda's price, in whose place what is held counts.
 */
export function batchSystem({ keepAlive }: BatchOptions = {}): System {
  return {
    name: 'batch',
    description: "BATCH (SC'20): one config and time-out by analysis, an instance for each batch at a time",
    create: (parts) => new BaselineSystem(parts, (hands) => new BatchStrategy(hands), keepAlive),
  };
}

export interface BatchOptions {
  /** Default: the platform's own, every idle instance for ten minutes. */
  readonly keepAlive?: KeepAlivePolicyName | undefined;
}

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

/** One function's choices by rate, each made once: rates of ten seconds are whole counts, and come again. */
class Choices {
  readonly #served: ServedFunction;
  readonly #all: readonly Candidate[];
  readonly #onGpus: readonly Candidate[];
  readonly #best = new Map<number, BatchChoice | undefined>();
  readonly #own = new Map<Candidate, Map<number, BatchChoice>>();

  constructor(served: ServedFunction) {
    this.#served = served;
    this.#all = served.candidates;
    const onGpus = served.candidates.filter(
      ({ config, tailMs }) => config.gpuPercent > 0 && tailMs <= served.sloMs,
    );
    this.#onGpus = onGpus.length > 0 ? onGpus : served.candidates;
  }

  candidates(isCramped: boolean): readonly Candidate[] {
    return isCramped ? this.#onGpus : this.#all;
  }

  bestAt(rate: number, isCramped: boolean): BatchChoice | undefined {
    const key = isCramped ? -1 - rate : rate;
    if (!this.#best.has(key)) this.#best.set(key, this.#choose(this.candidates(isCramped), rate));
    return this.#best.get(key);
  }

  /** What one config that keeps the SLO costs at a rate. */
  of(candidate: Candidate, rate: number): BatchChoice {
    const known = this.#own.get(candidate) ?? new Map<number, BatchChoice>();
    this.#own.set(candidate, known);
    let choice = known.get(rate);
    if (choice === undefined) {
      choice = this.#choose([candidate], rate)!;
      known.set(rate, choice);
    }
    return choice;
  }

  #choose(candidates: readonly Candidate[], rate: number): BatchChoice | undefined {
    const { times, sloMs } = this.#served;
    const executionMs = ({ config }: Candidate, requests: number): number =>
      times.batchMs(config, requests, 0.5);
    return chooseBatching(candidates, executionMs, sloMs, rate);
  }
}

/** One function's buffer and the batches that wait for an instance. */
interface Buffer {
  readonly choices: Choices;
  choice: BatchChoice | undefined;
  open: WaitingRequest[];
  closed: WaitingRequest[][];
  cancelTimeout: Cancel | undefined;
  /** There was no room: of its configs, those with a share of a GPU count. */
  isCramped: boolean;
  madeRoomAtMs: number;
  readonly idleSinceMs: Map<PolicyInstance, number>;
}

class BatchStrategy implements ScalingRule {
  readonly tickMs = TICK_MS;
  readonly #hands: SystemContext;
  readonly #buffers = new Map<ServedFunction, Buffer>();
  /** Of instances for whose config there was no room: the one that was wanted. */
  readonly #standsFor = new WeakMap<PolicyInstance, Candidate>();

  constructor(hands: SystemContext) {
    this.#hands = hands;
  }

  scale(served: ServedFunction, nowMs: number): void {
    const buffer = this.#bufferOf(served);
    this.#choose(served, buffer, nowMs);
    const current = buffer.choice?.candidate;
    const hasCurrent = served.ready.some(({ candidate }) => candidate === current);
    const min = served.fewestAt(nowMs);
    const keptMs = served.keepAlive?.surplusMs(nowMs) ?? KEEP_ALIVE_MS;
    while (current !== undefined && served.instances.length < min) {
      if (this.#start(served, buffer, current) === undefined) break;
    }
    for (const instance of [...served.instances]) {
      if (served.instances.length <= min) return;
      const idleSinceMs = buffer.idleSinceMs.get(instance) ?? nowMs;
      const isOld = hasCurrent && (this.#standsFor.get(instance) ?? instance.candidate) !== current;
      if (!instance.isReady || instance.load > 0) continue;
      if (!isOld && nowMs - idleSinceMs < keptMs) continue;
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
    const { choices, choice, isCramped } = buffer;
    const best = choices.bestAt(rate, isCramped);
    if (best === undefined || choice === undefined) {
      buffer.choice = best ?? choice;
      return;
    }
    const kept = choices.of(choice.candidate, rate);
    const isRuledOut = !choices.candidates(isCramped).includes(choice.candidate);
    const isBetter = isRuledOut || best.costPerRequest < (1 - WORTHWHILE_SAVING) * kept.costPerRequest;
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
      if (this.#start(served, buffer, choice.candidate) === undefined) return;
      starting += 1;
    }
  }

  /** An instance of the config, or of the next that can stand in for it. */
  #start(served: ServedFunction, buffer: Buffer, wanted: Candidate): PolicyInstance | undefined {
    return this.#hands.start(served, wanted) ?? this.#startOther(served, buffer, wanted);
  }

  #startOther(served: ServedFunction, buffer: Buffer, wanted: Candidate): PolicyInstance | undefined {
    const cost = ({ config, meanMs }: Candidate): number => (priceOf(config) * meanMs) / config.batch;
    const others = served.candidates
      .filter(
        (each) => each !== wanted && each.config.batch >= wanted.config.batch && each.tailMs <= wanted.tailMs,
      )
      .sort((a, b) => cost(a) - cost(b));
    for (const other of others) {
      const instance = this.#hands.start(served, other);
      if (instance === undefined) continue;
      this.#standsFor.set(instance, wanted);
      return instance;
    }
    this.#makeRoom(served, buffer);
    return undefined;
  }

  /** At most once a second: what was stopped has to finish its batch. */
  #makeRoom(served: ServedFunction, buffer: Buffer): void {
    const nowMs = this.#hands.parts.clock.nowMs();
    if (nowMs < buffer.madeRoomAtMs + TICK_MS) return;
    buffer.madeRoomAtMs = nowMs;
    if (makeRoomBesideGpus(this.#hands, served, buffer.choices.candidates(true))) buffer.isCramped = true;
  }

  #bufferOf(served: ServedFunction): Buffer {
    let buffer = this.#buffers.get(served);
    if (buffer === undefined) {
      buffer = {
        choices: new Choices(served),
        choice: undefined,
        open: [],
        closed: [],
        cancelTimeout: undefined,
        isCramped: false,
        madeRoomAtMs: -Infinity,
        idleSinceMs: new Map(),
      };
      this.#buffers.set(served, buffer);
    }
    return buffer;
  }
}
