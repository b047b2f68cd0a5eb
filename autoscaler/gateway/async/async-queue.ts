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
  /** Of one function, so that it leaves room for the calls of others. */
  readonly callsPerFunction: number;
  readonly bodyBytesPerFunction: number;
  /** Of one function, so that what waits for hours never crowds out what is waited for. */
  readonly runningPerFunction: number;
}

export const DEFAULT_ASYNC_LIMITS: AsyncLimits = {
  calls: 10_000,
  bodyBytes: 256 << 20,
  callsPerFunction: 2_500,
  bodyBytesPerFunction: 64 << 20,
  runningPerFunction: 32,
};

interface Lane {
  readonly waiting: AsyncCall[];
  running: number;
  /** Of all that is not over. */
  calls: number;
  bodyBytes: number;
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
    const { calls, bodyBytes, callsPerFunction, bodyBytesPerFunction } = this.#limits;
    const { functionName, body } = call;
    if (this.#isClosed) throw new InflessError('UNAVAILABLE', 'The gateway is shutting down');
    if (this.#calls >= calls || this.#bodyBytes + call.body.byteLength > bodyBytes) {
      throw new InflessError('OVERLOADED', `${this.#calls} asynchronous calls are waiting already`, {
        remedy: 'Try again later.',
      });
    }
    const lane = this.#lanes.get(functionName) ?? { waiting: [], running: 0, calls: 0, bodyBytes: 0 };
    if (lane.calls >= callsPerFunction || lane.bodyBytes + body.byteLength > bodyBytesPerFunction) {
      const what = `${lane.calls} asynchronous calls of function "${functionName}" are waiting already`;
      throw new InflessError('OVERLOADED', what, { remedy: 'Try again later.' });
    }
    this.#lanes.set(functionName, lane);
    this.#count(lane, 1, body.byteLength);
    lane.waiting.push(call);
    this.#proceed(functionName, lane);
  }

  /**
   * Takes no more, lets those that run end for at most so long, and drops the rest.
   *
   * @returns how many were dropped
   */
  async close(grace: Promise<void>): Promise<number> {
    this.#isClosed = true;
    let waiting = 0;
    for (const lane of this.#lanes.values()) {
      for (const { body } of lane.waiting) this.#count(lane, -1, -body.byteLength);
      waiting += lane.waiting.splice(0).length;
    }
    await Promise.race([Promise.all(this.#running), grace]);
    const cut = this.#running.size;
    this.#stop.abort();
    await Promise.all(this.#running);
    return waiting + cut;
  }

  #proceed(functionName: string, lane: Lane): void {
    while (lane.running < this.#limits.runningPerFunction && lane.waiting.length > 0) {
      const call = lane.waiting.shift()!;
      lane.running += 1;
      const run = this.#run(call, this.#stop.signal).then(() => {
        this.#running.delete(run);
        this.#count(lane, -1, -call.body.byteLength);
        lane.running -= 1;
        this.#proceed(functionName, lane);
      });
      this.#running.add(run);
    }
    if (lane.running === 0) this.#lanes.delete(functionName);
  }

  #count(lane: Lane, calls: number, bodyBytes: number): void {
    this.#calls += calls;
    this.#bodyBytes += bodyBytes;
    lane.calls += calls;
    lane.bodyBytes += bodyBytes;
  }
}
