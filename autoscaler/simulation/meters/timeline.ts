import type { Config } from '../../../profiles/config.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { fragmentation } from './fragmentation.ts';
import type { ResourceMeter } from './resource-meter.ts';

/** One function in one period. */
export interface FunctionSample {
  readonly name: string;
  readonly arrivals: number;
  /** Those of the arrivals that were, in the end, answered in time. */
  readonly inTime: number;
  readonly instances: number;
  readonly ready: number;
  readonly price: number;
  readonly fluidPerSecond: number;
}

/** One period of a run: requests are those that arrived within it, everything else is as at its end. */
export interface Sample {
  /** End of the period, from the end of the warm-up. */
  readonly atMs: number;
  /** Mean price of what was held during it. */
  readonly price: number;
  readonly fragmentation: number;
  readonly functions: readonly FunctionSample[];
}

/** Looks at a run once every period, for charts and for the figures that are means over time. */
export class Timeline {
  readonly #names: readonly string[];
  readonly #nodes: readonly NodeCapacity[];
  readonly #configs: readonly Config[];
  readonly #resources: ResourceMeter;
  readonly #periodMs: number;
  readonly #counts = new Map<string, { arrivals: number[]; inTime: number[] }>();
  readonly #samples: Sample[] = [];
  #priceMs = 0;

  /** @param configs of all functions: what free resource could be used for */
  constructor(
    names: readonly string[],
    nodes: readonly NodeCapacity[],
    configs: readonly Config[],
    resources: ResourceMeter,
    periodMs: number,
  ) {
    this.#periodMs = periodMs;
    this.#names = names;
    this.#nodes = nodes;
    this.#configs = configs;
    this.#resources = resources;
    for (const name of names) this.#counts.set(name, { arrivals: [], inTime: [] });
  }

  /** Complete once every request has an answer. */
  get samples(): readonly Sample[] {
    return this.#samples.map((sample, period) => ({
      ...sample,
      functions: sample.functions.map((each) => {
        const { arrivals, inTime } = this.#counts.get(each.name)!;
        return { ...each, arrivals: arrivals[period] ?? 0, inTime: inTime[period] ?? 0 };
      }),
    }));
  }

  /** @param atMs when, from the end of the warm-up */
  arrived(functionName: string, atMs: number): void {
    this.#count(this.#counts.get(functionName)!.arrivals, atMs);
  }

  /** @param arrivedAtMs when the request that was answered in time had come */
  answeredInTime(functionName: string, arrivedAtMs: number): void {
    this.#count(this.#counts.get(functionName)!.inTime, arrivedAtMs);
  }

  /** Call it at the end of every period. */
  sample(atMs: number): void {
    const { priceMs } = this.#resources.totals;
    this.#samples.push({
      atMs,
      price: (priceMs - this.#priceMs) / this.#periodMs,
      fragmentation: fragmentation(this.#nodes, this.#resources.holders, this.#configs),
      functions: this.#names.map((name) => {
        const { instances, ready, price, fluidPerSecond } = this.#resources.holdingOf(name);
        return { name, arrivals: 0, inTime: 0, instances, ready, price, fluidPerSecond };
      }),
    });
    this.#priceMs = priceMs;
  }

  #count(counts: number[], atMs: number): void {
    const period = Math.floor(atMs / this.#periodMs);
    counts[period] = (counts[period] ?? 0) + 1;
  }
}
