import type { Config } from '../../profiles/config.ts';
import type { NodeCapacity } from '../platforms/platform.ts';
import { fragmentation } from './fragmentation.ts';
import type { ResourceMeter } from './resource-meter.ts';

/** One function in one second. */
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

/** One second of a run: requests are those that arrived within it, everything else is as at its end. */
export interface Sample {
  /** End of the second, from the end of the warm-up. */
  readonly atMs: number;
  /** Mean price of what was held during it. */
  readonly price: number;
  readonly fragmentation: number;
  readonly functions: readonly FunctionSample[];
}

export const SAMPLE_MS = 1000;

/** Looks at a run once a second, for charts and for the figures that are means over time. */
export class Timeline {
  readonly #names: readonly string[];
  readonly #nodes: readonly NodeCapacity[];
  readonly #configs: readonly Config[];
  readonly #resources: ResourceMeter;
  readonly #counts = new Map<string, { arrivals: number[]; inTime: number[] }>();
  readonly #samples: Sample[] = [];
  #priceMs = 0;

  /** @param configs of all functions: what free resource could be used for */
  constructor(
    names: readonly string[],
    nodes: readonly NodeCapacity[],
    configs: readonly Config[],
    resources: ResourceMeter,
  ) {
    this.#names = names;
    this.#nodes = nodes;
    this.#configs = configs;
    this.#resources = resources;
    for (const name of names) this.#counts.set(name, { arrivals: [], inTime: [] });
  }

  /** Complete once every request has an answer. */
  get samples(): readonly Sample[] {
    return this.#samples.map((sample, second) => ({
      ...sample,
      functions: sample.functions.map((each) => {
        const { arrivals, inTime } = this.#counts.get(each.name)!;
        return { ...each, arrivals: arrivals[second] ?? 0, inTime: inTime[second] ?? 0 };
      }),
    }));
  }

  /** @param atMs when, from the end of the warm-up */
  arrived(functionName: string, atMs: number): void {
    increment(this.#counts.get(functionName)!.arrivals, atMs);
  }

  /** @param arrivedAtMs when the request that was answered in time had come */
  answeredInTime(functionName: string, arrivedAtMs: number): void {
    increment(this.#counts.get(functionName)!.inTime, arrivedAtMs);
  }

  /** Call it once every {@link SAMPLE_MS}. */
  sample(atMs: number): void {
    const { priceMs } = this.#resources.totals;
    this.#samples.push({
      atMs,
      price: (priceMs - this.#priceMs) / SAMPLE_MS,
      fragmentation: fragmentation(this.#nodes, this.#resources.holders, this.#configs),
      functions: this.#names.map((name) => {
        const { instances, ready, price, fluidPerSecond } = this.#resources.holdingOf(name);
        return { name, arrivals: 0, inTime: 0, instances, ready, price, fluidPerSecond };
      }),
    });
    this.#priceMs = priceMs;
  }
}

function increment(counts: number[], atMs: number): void {
  const second = Math.floor(atMs / SAMPLE_MS);
  counts[second] = (counts[second] ?? 0) + 1;
}
