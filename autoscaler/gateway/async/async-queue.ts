import { setMaxListeners } from 'node:events';
import { InflessError } from '../../../models/base/errors.ts';
import type { Headers } from '../../../models/protocols/protocol.ts';

/** A request that is answered later, or never asked about again. */
export interface AsyncCall {
  readonly id: string;
  /** As the caller named it, with or without its namespace. */
  readonly address: string;
  readonly functionName: string;
  /** Below the function. */
  readonly path: string;
  readonly contentType: string;
  readonly headers?: Headers;
  readonly body: Uint8Array;
  /** Whom to tell the result. */
  readonly callbackUrl: string | undefined;
}

export interface AsyncLimits {
  /** Calls waiting and running, of all functions, and what their bodies hold. */
  readonly calls: number;
  readonly bodyBytes: number;
  /** Of one function, so that what waits for hours never crowds out what is waited for. */
  readonly runningPerFunction: number;
}

export const DEFAULT_ASYNC_LIMITS: AsyncLimits = {
  calls: 10_000,
  bodyBytes: 256 << 20,
  runningPerFunction: 32,
};

interface Lane {
  readonly waiting: AsyncCall[];
  running: number;
}

/** Runs accepted calls in their order, so many of each function at a time. It is in memory only. */
export class AsyncQueue {
  readonly #run: (call: AsyncCall, signal: AbortSignal) => Promise<void>;
  readonly #limits: AsyncLimits;
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #calls = 0;
  #bodyBytes = 0;
  #isClosed = false;

  /** @param run carries one out to its end; it never rejects */
  constructor(run: (call: AsyncCall, signal: AbortSignal) => Promise<void>, limits: AsyncLimits) {
    this.#run = run;
    this.#limits = limits;
    setMaxListeners(0, this.#stop.signal); // every call listens
  }

  /** Calls that are not over. */
  get size(): number {
    return this.#calls;
  }

  /** @throws InflessError OVERLOADED when as much is held as may be, UNAVAILABLE when closing */
  add(call: AsyncCall): void {
    const { calls, bodyBytes } = this.#limits;
    if (this.#isClosed) throw new InflessError('UNAVAILABLE', 'The gateway is shutting down');
    if (this.#calls >= calls || this.#bodyBytes + call.body.byteLength > bodyBytes) {
      throw new InflessError('OVERLOADED', `${this.#calls} asynchronous calls are waiting already`, {
        remedy: 'Try again later.',
      });
    }
    this.#calls += 1;
    this.#bodyBytes += call.body.byteLength;
    const lane = this.#lanes.get(call.functionName) ?? { waiting: [], running: 0 };
    this.#lanes.set(call.functionName, lane);
    lane.waiting.push(call);
    this.#proceed(call.functionName, lane);
  }

  /**
   * Takes no more, lets those that run end for at most so long, and drops the rest.
   *
   * @returns how many were dropped
   */
  async close(grace: Promise<void>): Promise<number> {
    this.#isClosed = true;
    const waiting = [...this.#lanes.values()].flatMap((lane) => lane.waiting.splice(0));
    for (const call of waiting) this.#over(call);
    await Promise.race([Promise.all(this.#running), grace]);
    const cut = this.#running.size;
    this.#stop.abort();
    await Promise.all(this.#running);
    return waiting.length + cut;
  }

  #proceed(functionName: string, lane: Lane): void {
    while (lane.running < this.#limits.runningPerFunction && lane.waiting.length > 0) {
      const call = lane.waiting.shift()!;
      lane.running += 1;
      const run = this.#run(call, this.#stop.signal).then(() => {
        this.#running.delete(run);
        this.#over(call);
        lane.running -= 1;
        this.#proceed(functionName, lane);
      });
      this.#running.add(run);
    }
    if (lane.running === 0) this.#lanes.delete(functionName);
  }

  #over(call: AsyncCall): void {
    this.#calls -= 1;
    this.#bodyBytes -= call.body.byteLength;
  }
}
