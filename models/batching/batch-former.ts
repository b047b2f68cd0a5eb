import { DeadlineQueue, type Waiting } from './deadline-queue.ts';

/** An instance that could start a batch now. */
export interface IdleServer<K> {
  readonly key: K;
  readonly maxBatch: number;
  /** Time a batch of `rows` takes there, in ms, at the percentile of the SLO; non-decreasing in `rows`. */
  executionMs(rows: number): number;
}

export interface FormedBatch<K, R> {
  readonly server: K;
  readonly requests: readonly R[];
}

export interface Decision<K, R> {
  readonly batches: readonly FormedBatch<K, R>[];
  /** Given up: their `giveUpMs` has passed or, under the `reject` policy, their deadline cannot be met. */
  readonly expired: readonly R[];
  /** When to decide again if nothing happens before; undefined when only an arrival or an idle instance can help. */
  readonly wakeAtMs: number | undefined;
}

/**
 * What becomes of a request that cannot be answered in time any more. `serve`: it is answered as soon as no
 * request that can still be in time needs the place; `reject`: it is given up at once.
 */
export type LatePolicy = 'serve' | 'reject';

export interface BatchFormerOptions {
  /** Most requests that may wait. */
  readonly queueLimit: number;
  readonly latePolicy: LatePolicy;
}

export interface Offer<R> {
  readonly accepted: boolean;
  /** Late requests that made room for this one; they are to be answered as overload. */
  readonly displaced: readonly R[];
}

/**
 * Waiting pays only where a batch is cheaper than its requests one by one: below this share of a lone
 * request's time saved by joining a batch, a partial batch starts at once (on CPU, convolutional nets).
 */
const WORTHWHILE_SAVING = 0.2;

/**
 * A partial batch leaves at once as long as those who come while it runs could still follow within this share
 * of the SLO and of a batch. Beyond it, leaving early would only keep the place that they will need.
 */
const AMPLE = 0.8;

/** Weight of the newest gap in the running mean of the time between arrivals: a memory of some 20 requests. */
const GAP_WEIGHT = 0.05;

/**
 * Decides which waiting requests run together, where and when. It holds one queue in deadline order, binds a
 * request to an instance only when the batch starts, and keeps no timers: callers ask it to {@link decide}
 * whenever a request arrives, an instance becomes idle or `wakeAtMs` is reached.
 *
 * The rules, in order:
 * 1. Requests that can no longer be in time step aside, so that they drag nobody else over.
 * 2. A full batch starts at once.
 * 3. A partial batch starts at once while a second instance is idle, where waiting gains nothing, or where there
 *    is room to spare. Otherwise the last idle instance waits for company until the most urgent request's
 *    slack is used up: were it to leave with one request, those right behind would find nobody in time.
 * 4. A batch is never so large that its own execution makes its most urgent request late — unless skipping
 *    that request lets many others through (an overloaded queue: see {@link BatchFormer.#pick}).
 */
export class BatchFormer<R extends Waiting> {
  readonly #options: BatchFormerOptions;
  readonly #onTime = new DeadlineQueue<R>();
  readonly #late = new DeadlineQueue<R>();
  #lastArrivalMs: number | undefined;
  #meanGapMs = Infinity;

  constructor(options: BatchFormerOptions) {
    this.#options = options;
  }

  /** Requests waiting, late ones included. */
  get size(): number {
    return this.#onTime.size + this.#late.size;
  }

  /** Takes a request in. When the queue is full, late requests make room; without any, it is refused. */
  offer(request: R): Offer<R> {
    const displaced = this.size >= this.#options.queueLimit ? this.#late.take(1) : [];
    const accepted = this.size < this.#options.queueLimit;
    if (accepted) this.#onTime.insert(request);
    this.#observeGap(request.arrivalMs);
    return { accepted, displaced };
  }

  /** Takes a request out again (its client hung up). Returns false when it has started already. */
  withdraw(request: R): boolean {
    return this.#onTime.remove(request) || this.#late.remove(request);
  }

  /** Empties the queue, most urgent first. */
  drain(): R[] {
    return [...this.#onTime.take(this.#onTime.size), ...this.#late.take(this.#late.size)];
  }

  /**
   * What to do at `nowMs` with the instances that are idle. The batches returned count as started: their
   * requests have left the queue, and the caller asks again only with the servers still idle.
   */
  decide<K>(nowMs: number, idle: readonly IdleServer<K>[]): Decision<K, R> {
    const expired = [...takeGivenUp(this.#onTime, nowMs), ...takeGivenUp(this.#late, nowMs)];
    const batches: FormedBatch<K, R>[] = [];
    const free = [...idle];
    let holdUntilMs: number | undefined;

    while (free.length > 0 && this.size > 0) {
      this.#setLateAside(nowMs, free, expired);
      if (this.#onTime.size === 0) {
        if (this.#late.size === 0) break;
        const server = free.splice(largest(free), 1)[0]!;
        batches.push({ server: server.key, requests: this.#late.take(server.maxBatch) });
        continue;
      }
      const index = bestFill(free, this.#onTime.size);
      const server = free[index]!;
      holdUntilMs = this.#holdUntil(nowMs, server, free.length);
      if (holdUntilMs !== undefined) break;
      free.splice(index, 1);
      batches.push({ server: server.key, requests: this.#pick(nowMs, server) });
    }
    return { batches, expired, wakeAtMs: this.#wakeAt(holdUntilMs) };
  }

  /** Moves requests that no idle server can answer in time to the late queue, or gives them up. */
  #setLateAside<K>(nowMs: number, free: readonly IdleServer<K>[], expired: R[]): void {
    const soonestMs = nowMs + Math.min(...free.map((server) => server.executionMs(1)));
    let count = 0;
    while (count < this.#onTime.size && this.#onTime.at(count)!.deadlineMs < soonestMs) count += 1;
    if (count === 0) return;
    const late = this.#onTime.take(count);
    if (this.#options.latePolicy === 'reject') expired.push(...late);
    else for (const request of late) this.#late.insert(request);
  }

  /** When a partial batch may stop waiting for company, or undefined when it should start now. */
  #holdUntil<K>(nowMs: number, server: IdleServer<K>, idleCount: number): number | undefined {
    const count = this.#onTime.size;
    if (count >= server.maxBatch || idleCount > 1 || this.#late.size > 0) return undefined;
    const loneMs = server.executionMs(1);
    const savedMs = server.executionMs(count) + loneMs - server.executionMs(count + 1);
    if (savedMs < WORTHWHILE_SAVING * loneMs) return undefined;
    const urgent = this.#onTime.at(0)!;
    const untilMs = urgent.deadlineMs - server.executionMs(server.maxBatch);
    if (untilMs <= nowMs || nowMs + this.#meanGapMs > untilMs) return undefined;
    return this.#hasRoom(server, count, urgent.deadlineMs - urgent.arrivalMs) ? undefined : untilMs;
  }

  /** Whether those who arrive while `count` requests run could follow on the same server and be in time. */
  #hasRoom<K>(server: IdleServer<K>, count: number, sloMs: number): boolean {
    const runMs = server.executionMs(count);
    const followers = runMs / this.#meanGapMs;
    if (followers > AMPLE * server.maxBatch) return false;
    return runMs + server.executionMs(Math.min(server.maxBatch, Math.ceil(followers) + 1)) <= AMPLE * sloMs;
  }

  /** Retries carry their first arrival and so don't count as new demand. */
  #observeGap(arrivalMs: number): void {
    const lastMs = this.#lastArrivalMs;
    if (lastMs !== undefined && arrivalMs < lastMs) return;
    this.#lastArrivalMs = arrivalMs;
    if (lastMs === undefined) return;
    const gapMs = arrivalMs - lastMs;
    this.#meanGapMs =
      this.#meanGapMs === Infinity ? gapMs : this.#meanGapMs + GAP_WEIGHT * (gapMs - this.#meanGapMs);
  }

  /**
   * The batch for a server: the most urgent requests, as many as still finish within the most urgent one's
   * deadline. In a backlog that request may leave room for only a small batch, and serving one late comer after
   * the other in small batches makes everybody late; then the window starts further down, where more
   * requests a second are answered in time.
   */
  #pick<K>(nowMs: number, server: IdleServer<K>): R[] {
    const waiting = this.#onTime.size;
    let from = 0;
    let count = this.#fitting(nowMs, server, 0);
    if (waiting > server.maxBatch) {
      let bestRate = count / server.executionMs(count);
      for (let start = 1; count < server.maxBatch && start <= server.maxBatch; start += 1) {
        const fitting = this.#fitting(nowMs, server, start);
        const rate = fitting / server.executionMs(fitting);
        if (rate > bestRate * 1.01) [from, count, bestRate] = [start, fitting, rate];
        if (fitting === server.maxBatch || start + fitting >= waiting) break;
      }
    }
    return this.#onTime.take(count, from);
  }

  /** How many requests from `start` on fit into a batch that ends within the first one's deadline; at least 1. */
  #fitting<K>(nowMs: number, server: IdleServer<K>, start: number): number {
    const slackMs = this.#onTime.at(start)!.deadlineMs - nowMs;
    let count = Math.min(server.maxBatch, this.#onTime.size - start);
    while (count > 1 && server.executionMs(count) > slackMs) count -= 1;
    return count;
  }

  #wakeAt(holdUntilMs: number | undefined): number | undefined {
    const giveUpMs = Math.min(
      this.#onTime.at(0)?.giveUpMs ?? Infinity,
      this.#late.at(0)?.giveUpMs ?? Infinity,
    );
    const wakeAtMs = Math.min(giveUpMs, holdUntilMs ?? Infinity);
    return wakeAtMs === Infinity ? undefined : wakeAtMs;
  }
}

/** Requests nobody waits for any more. They stand in deadline order, and give-up times follow deadlines. */
function takeGivenUp<R extends Waiting>(queue: DeadlineQueue<R>, nowMs: number): R[] {
  let count = 0;
  while (count < queue.size && queue.at(count)!.giveUpMs <= nowMs) count += 1;
  return count === 0 ? [] : queue.take(count);
}

/** The server that `waiting` requests fill best: large ones stay free for the burst that needs them. */
function bestFill<K>(free: readonly IdleServer<K>[], waiting: number): number {
  let best = 0;
  for (let index = 1; index < free.length; index += 1) {
    if (compareFill(free[index]!, free[best]!, waiting) > 0) best = index;
  }
  return best;
}

function compareFill<K>(a: IdleServer<K>, b: IdleServer<K>, waiting: number): number {
  const rowsA = Math.min(waiting, a.maxBatch);
  const rowsB = Math.min(waiting, b.maxBatch);
  return (
    rowsA / a.maxBatch - rowsB / b.maxBatch || rowsA - rowsB || b.executionMs(rowsB) - a.executionMs(rowsA)
  );
}

function largest<K>(free: readonly IdleServer<K>[]): number {
  return free.reduce((best, server, index) => (server.maxBatch > free[best]!.maxBatch ? index : best), 0);
}
