import type { VirtualClock } from '../../../models/base/virtual-clock.ts';
import type { Connection } from '../../../profiler/endpoint/measure-capacity.ts';
import type { RequestResult } from '../../../profiler/load/recorder.ts';

export interface SimulatedServerOptions {
  /** Each server answers one request after the other, every one in this time. */
  readonly serviceMs: number;
  readonly servers: number;
  /** No answer before this time on the clock: an instance that is starting answers 503. */
  readonly readyAtMs?: number;
}

/** A queue in front of equal servers, in virtual time: its capacity is known exactly. */
export class SimulatedServer {
  readonly #clock: VirtualClock;
  readonly #options: SimulatedServerOptions;
  /** When each server is free again. */
  #freeAtMs: number[];
  requests = 0;

  constructor(clock: VirtualClock, options: SimulatedServerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#freeAtMs = Array.from({ length: options.servers }, () => 0);
  }

  /** Whatever still waits when a connection is closed, is forgotten. */
  connect(): Connection {
    const cancels = new Set<() => void>();
    return {
      send: (_body, done) => this.#answer(done, cancels),
      close: async () => {
        for (const cancel of cancels) cancel();
        const nowMs = this.#clock.nowMs();
        this.#freeAtMs = this.#freeAtMs.map((freeMs) => Math.min(freeMs, nowMs + this.#options.serviceMs));
      },
    };
  }

  #answer(done: (outcome: RequestResult) => void, cancels: Set<() => void>): void {
    this.requests += 1;
    const nowMs = this.#clock.nowMs();
    const { readyAtMs = 0, serviceMs } = this.#options;
    if (nowMs < readyAtMs) {
      this.#clock.at(nowMs, () => done({ status: 503 }));
      return;
    }
    const freeAtMs = Math.min(...this.#freeAtMs);
    const endMs = Math.max(nowMs, freeAtMs) + serviceMs;
    this.#freeAtMs[this.#freeAtMs.indexOf(freeAtMs)] = endMs;
    const cancel = this.#clock.at(endMs, () => {
      cancels.delete(cancel);
      done({ status: 200 });
    });
    cancels.add(cancel);
  }
}
