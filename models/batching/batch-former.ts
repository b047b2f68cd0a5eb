import { DeadlineQueue, type Waiting } from './deadline-queue.ts';
import { NextArrival } from './next-arrival.ts';
import { type BusyServer, bestFill, busyWith, type IdleServer, largest } from './servers.ts';

export interface FormedBatch<K, R> {
  readonly server: K;
  readonly requests: readonly R[];
}

export interface Decision<K, R> {
  readonly batches: readonly FormedBatch<K, R>[];
  /** Given up: their `giveUpMs` has passed or, under the `reject` policy, their deadline cannot be met. */
  readonly expired: readonly R[];
  /**
   * When to decide again if nothing happens before; undefined when only an arrival or an idle instance can
   * help.
   */
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

/**
 * It waits while a request is at least as likely to come in time: an instance that stays idle costs nothing
 * as long as its requests are in time, but where clients wait for it nobody comes at all.
 */
const WORTH_WAITING = 0.2;

/**
 * Weight of the newest gap in the running mean of the time between arrivals: a memory of some 20 requests.
 */
const GAP_WEIGHT = 0.05;

/**
 * Late requests have this share of the places in batches while others could always be in time: nobody waits
 * for ever because more keep coming.
 */
const LATE_SHARE = 0.01;

/**
 * Decides which waiting requests run together, where and when. It holds one queue in deadline order, binds a
 * request to an instance only when the batch starts, and keeps no timers: callers ask it to {@link decide}
 * whenever a request arrives, an instance becomes idle or `wakeAtMs` is reached.
 *
 * The rules, in order:
 * 1. Requests that can no longer be in time step aside, so that they drag no one else over. They run where no
 *    one in time needs the place, and in 1 % of the places where someone does.
 * 2. A full batch starts at once.
 * 3. A partial batch starts at once while a second instance is idle, where waiting gains nothing, or where
 *    there is room to spare. Otherwise the last idle instance waits for company, as long as the next request
 *    is to be expected before the most urgent one's slack is used up ({@link NextArrival}): were it to leave
 *    with one request, those right behind would find no one in time.
 * 4. A batch is never so large that its own execution makes its most urgent request late — unless skipping
 *    that request lets many others through (an overloaded queue: see {@link BatchFormer.#pick}).
 */
export class BatchFormer<R extends Waiting> {
  readonly #options: BatchFormerOptions;
  readonly #onTime = new DeadlineQueue<R>();
  readonly #late = new DeadlineQueue<R>();
  readonly #nextArrival = new NextArrival();
  #lastArrivalMs: number | undefined;
  #meanGapMs = Infinity;
  /** Places that late requests may take from others. */
  #lateTurns = 0;

  constructor(options: BatchFormerOptions) {
    this.#options = options;
  }

  /** Requests waiting, late ones included. */
  get size(): number {
    return this.#onTime.size + this.#late.size;
  }

  /**
   * Takes a request in. When the queue is full, late requests make room; without any, it is refused.
   *
   * @param isNew false for one that comes back because its batch failed: that is no demand, and was taken in
   * before
   */
  offer(request: R, isNew = true): Offer<R> {
    const isFull = isNew && this.size >= this.#options.queueLimit;
    const displaced = isFull ? this.#takeLate(request.arrivalMs) : [];
    const accepted = !isNew || this.size < this.#options.queueLimit;
    if (accepted) this.#onTime.insert(request);
    if (isNew) this.#observe(request.arrivalMs);
    return { accepted, displaced };
  }

  /** Tells that a batch has been answered: clients that waited for it may send their next request now. */
  answered(nowMs: number): void {
    this.#nextArrival.answered(nowMs);
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
   *
   * @param busy the other instances: a request that only they can answer in time waits for them
   */
  decide<K>(nowMs: number, idle: readonly IdleServer<K>[], busy: readonly BusyServer[] = []): Decision<K, R> {
    const expired: R[] = [];
    giveUp(this.#onTime, nowMs, expired);
    giveUp(this.#late, nowMs, expired);
    const batches: FormedBatch<K, R>[] = [];
    const free = [...idle];
    const others = [...busy];
    let holdUntilMs = Infinity;

    while (free.length > 0 && this.size > 0) {
      const from = this.#setLateAside(nowMs, free, others, expired);
      if (from > 0) holdUntilMs = this.#onTime.at(0)!.deadlineMs;
      if (from === this.#onTime.size) {
        if (this.#late.size === 0) break;
        const server = free.splice(largest(free), 1)[0]!;
        const requests = this.#late.take(server.maxBatch);
        batches.push({ server: server.key, requests });
        others.push(busyWith(server, requests.length, nowMs));
        continue;
      }
      const slackMs = this.#onTime.at(from)!.deadlineMs - nowMs;
      const index = bestFill(free, this.#onTime.size - from, slackMs);
      const server = free[index]!;
      const untilMs = this.#holdUntil(nowMs, server, free.length, from);
      if (untilMs !== undefined) {
        holdUntilMs = Math.min(holdUntilMs, untilMs);
        break;
      }
      free.splice(index, 1);
      const requests = this.#withLate(nowMs, server, from);
      batches.push({ server: server.key, requests });
      others.push(busyWith(server, requests.length, nowMs));
    }
    return { batches, expired, wakeAtMs: this.#wakeAt(free.length > 0 ? holdUntilMs : Infinity) };
  }

  /**
   * The request that is due longest ago: one set aside, or one that waits on time's list but is past it by
   * now.
   */
  #takeLate(nowMs: number): R[] {
    if (this.#late.size > 0) return this.#late.take(1);
    const urgent = this.#onTime.at(0);
    return urgent !== undefined && urgent.deadlineMs < nowMs ? this.#onTime.take(1) : [];
  }

  /**
   * Moves requests that no one can answer in time to the late queue, or gives them up. Returns the place of
   * the first that an idle server can answer in time: those before it wait for a quicker one that is busy.
   */
  #setLateAside<K>(
    nowMs: number,
    free: readonly IdleServer<K>[],
    busy: readonly BusyServer[],
    expired: R[],
  ): number {
    let quickestMs = Infinity;
    for (const server of free) quickestMs = Math.min(quickestMs, server.executionMs(1));
    const first = this.#countBelow(nowMs, quickestMs);
    if (first === 0) return 0;
    const soonestMs = Math.min(
      quickestMs,
      ...busy.map((server) => Math.max(0, server.idleAtMs - nowMs) + server.executionMs(1)),
    );
    const late = this.#onTime.take(this.#countBelow(nowMs, soonestMs));
    if (this.#options.latePolicy === 'reject') expired.push(...late);
    else for (const request of late) this.#late.insert(request);
    return first - late.length;
  }

  /** How many requests have less than `slackMs` left. */
  #countBelow(nowMs: number, slackMs: number): number {
    let count = 0;
    while (count < this.#onTime.size && this.#onTime.at(count)!.deadlineMs - nowMs < slackMs) count += 1;
    return count;
  }

  /** When a partial batch may stop waiting for company, or undefined when it should start now. */
  #holdUntil<K>(nowMs: number, server: IdleServer<K>, idleCount: number, from: number): number | undefined {
    const count = this.#onTime.size - from;
    if (count >= server.maxBatch || idleCount > 1 || this.#late.size > 0) return undefined;
    const loneMs = server.executionMs(1);
    const savedMs = server.executionMs(count) + loneMs - server.executionMs(count + 1);
    if (savedMs < WORTHWHILE_SAVING * loneMs) return undefined;
    const urgent = this.#onTime.at(from)!;
    const untilMs = urgent.deadlineMs - server.executionMs(server.maxBatch);
    if (untilMs <= nowMs) return undefined;
    const sloMs = urgent.deadlineMs - urgent.arrivalMs;
    if (hasRoom(server, count, sloMs, this.#meanGapMs)) return undefined;
    const startMs = this.#nextArrival.unlikelyFrom(nowMs, untilMs, WORTH_WAITING);
    return startMs <= nowMs ? undefined : startMs;
  }

  /** Requests that another former hands over may come after younger ones: they say nothing of the gaps. */
  #observe(arrivalMs: number): void {
    this.#nextArrival.arrived(arrivalMs);
    const lastMs = this.#lastArrivalMs;
    if (lastMs !== undefined && arrivalMs < lastMs) return;
    this.#lastArrivalMs = arrivalMs;
    if (lastMs === undefined) return;
    const gapMs = arrivalMs - lastMs;
    this.#meanGapMs =
      this.#meanGapMs === Infinity ? gapMs : this.#meanGapMs + GAP_WEIGHT * (gapMs - this.#meanGapMs);
  }

  /**
   * The batch for a server, with the late requests whose turn it is: in places that are empty, as far as that
   * makes no one else late, or in those of the least urgent.
   */
  #withLate<K>(nowMs: number, server: IdleServer<K>, from: number): R[] {
    const requests = this.#pick(nowMs, server, from);
    if (this.#late.size === 0) {
      this.#lateTurns = 0;
      return requests;
    }
    const count = requests.length;
    this.#lateTurns = Math.min(this.#lateTurns + LATE_SHARE * count, server.maxBatch);
    const turns = Math.min(this.#late.size, Math.floor(this.#lateTurns));
    if (turns === 0) return requests;
    const slackMs = requests[0]!.deadlineMs - nowMs;
    let rows = Math.min(server.maxBatch, count + turns);
    while (rows > count && server.executionMs(rows) > slackMs) rows -= 1;
    for (const displaced of requests.splice(Math.max(0, rows - turns))) this.#onTime.insert(displaced);
    this.#lateTurns -= turns;
    return [...requests, ...this.#late.take(turns)];
  }

  /**
   * The batch for a server: the most urgent requests, as many as still finish within the most urgent one's
   * deadline. In a backlog that request may leave room for only a small batch, and serving one late comer
   * after the other in small batches makes everybody late, for as long as requests come: what small batches
   * carry is less than what comes. Then the window starts further down, however far, where more requests a
   * second are answered in time.
   */
  #pick<K>(nowMs: number, server: IdleServer<K>, from: number): R[] {
    const waiting = this.#onTime.size;
    let best = from;
    let count = this.#fitting(nowMs, server, from);
    if (waiting - from > server.maxBatch) {
      let bestRate = count / server.executionMs(count);
      for (let rows = count + 1; rows <= server.maxBatch; rows += 1) {
        const start = this.#firstWithSlack(nowMs, server.executionMs(rows), best);
        const fitting = Math.min(rows, waiting - start);
        if (fitting === 0) break;
        const rate = fitting / server.executionMs(fitting);
        if (rate > bestRate * 1.01) [best, count, bestRate] = [start, fitting, rate];
      }
    }
    return this.#onTime.take(count, best);
  }

  /** The place of the first request, from `from` on, that has so much time left. */
  #firstWithSlack(nowMs: number, slackMs: number, from: number): number {
    let low = from;
    let high = this.#onTime.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#onTime.at(middle)!.deadlineMs - nowMs >= slackMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * How many requests from `start` on fit into a batch that ends within the first one's deadline; at least 1.
   */
  #fitting<K>(nowMs: number, server: IdleServer<K>, start: number): number {
    const slackMs = this.#onTime.at(start)!.deadlineMs - nowMs;
    let count = Math.min(server.maxBatch, this.#onTime.size - start);
    while (count > 1 && server.executionMs(count) > slackMs) count -= 1;
    return count;
  }

  #wakeAt(holdUntilMs: number): number | undefined {
    const expiresAtMs = Math.min(
      this.#onTime.at(0)?.expiresAtMs ?? Infinity,
      this.#late.at(0)?.expiresAtMs ?? Infinity,
    );
    const wakeAtMs = Math.min(expiresAtMs, holdUntilMs);
    return wakeAtMs === Infinity ? undefined : wakeAtMs;
  }
}

/** Requests no one waits for any more. They stand in deadline order, and give-up times follow deadlines. */
function giveUp<R extends Waiting>(queue: DeadlineQueue<R>, nowMs: number, expired: R[]): void {
  let count = 0;
  while (count < queue.size && queue.at(count)!.expiresAtMs <= nowMs) count += 1;
  if (count > 0) expired.push(...queue.take(count));
}

/**
 * Whether those who arrive while `count` requests run, one every `waitMs`, could follow on the same server
 * and be in time.
 */
function hasRoom<K>(server: IdleServer<K>, count: number, sloMs: number, waitMs: number): boolean {
  const runMs = server.executionMs(count);
  const followers = runMs / waitMs;
  if (followers > AMPLE * server.maxBatch) return false;
  return runMs + server.executionMs(Math.min(server.maxBatch, Math.ceil(followers) + 1)) <= AMPLE * sloMs;
}
