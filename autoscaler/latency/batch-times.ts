import type { BatchTiming } from '../../packager/server/instance-protocol.ts';
import type { Config } from '../../profiles/config.ts';
import type { ObservedTimes } from './observed-times.ts';
import type { ServiceTimes } from './service-times.ts';

export interface BatchTimesParts {
  readonly times: ServiceTimes;
  readonly observed: ObservedTimes;
  readonly config: Config;
  /** In 0.5…0.999. */
  readonly quantile: number;
}

/**
 * How long batches take on one instance, remembered until running shows otherwise: it is asked several times
 * a request.
 */
export class BatchTimes {
  readonly #parts: BatchTimesParts;
  #version: number;
  /** By the number of rows. */
  #knownMs: (number | undefined)[] = [];
  /** The same by the table alone, which does not change. */
  readonly #tabulatedMs: (number | undefined)[] = [];

  constructor(parts: BatchTimesParts) {
    this.#parts = parts;
    this.#version = parts.observed.version;
  }

  ms(rows: number): number {
    const { times, observed, config, quantile } = this.#parts;
    if (this.#version !== observed.version) {
      this.#version = observed.version;
      this.#knownMs = [];
    }
    this.#knownMs[rows] ??= times.batchMs(config, rows, quantile);
    return this.#knownMs[rows];
  }

  /** A batch of so many requests has run. */
  record(requests: number, timing: BatchTiming, roundTripMs: number): void {
    const { times, observed, config } = this.#parts;
    this.#tabulatedMs[requests] ??= times.tabulatedMs(config, requests);
    observed.record(config, requests, timing, roundTripMs, this.#tabulatedMs[requests]);
  }
}
