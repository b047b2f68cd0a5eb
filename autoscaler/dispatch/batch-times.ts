import type { Config } from '../../profiles/config.ts';
import type { ServiceTimes } from '../plan/service-times.ts';
import type { ObservedTimes } from './observed-times.ts';

/** How long batches take on one instance, remembered until running shows otherwise: it is asked several times a request. */
export class BatchTimes {
  readonly #times: ServiceTimes;
  readonly #observed: ObservedTimes;
  readonly #config: Config;
  readonly #quantile: number;
  #version: number;
  /** By the number of rows. */
  #knownMs: (number | undefined)[] = [];

  constructor(times: ServiceTimes, observed: ObservedTimes, config: Config, quantile: number) {
    this.#times = times;
    this.#observed = observed;
    this.#config = config;
    this.#quantile = quantile;
    this.#version = observed.version;
  }

  ms(rows: number): number {
    if (this.#version !== this.#observed.version) {
      this.#version = this.#observed.version;
      this.#knownMs = [];
    }
    this.#knownMs[rows] ??= this.#times.batchMs(this.#config, rows, this.#quantile);
    return this.#knownMs[rows];
  }
}
