import type { Config } from '../../../profiles/config.ts';
import type { Instance } from '../../cluster/instance.ts';
import { priceOf } from '../../cluster/price.ts';
import type { Holder } from './fragmentation.ts';
import type { InstanceMeter } from './metered-platform.ts';

/** What one function's instances hold and could do at a moment. */
export interface FunctionHolding {
  /** Those that hold resources: starting, ready, and draining. */
  instances: number;
  ready: number;
  price: number;
  /** Requests per second that the instances could carry were arrivals a fluid. */
  fluidPerSecond: number;
}

export interface ResourceTotals {
  /** Price of what was held, times how long, in price × ms. */
  readonly priceMs: number;
  readonly cpuMillicoreMs: number;
  readonly gpuPercentMs: number;
  readonly starts: number;
  readonly stops: number;
  /** Instances that ended without being asked to. */
  readonly crashes: number;
  /** Starts for which a node had no room: more was planned than there is. */
  readonly refused: number;
}

/** Integrates what the instances hold, exactly, from their events. */
export class ResourceMeter implements InstanceMeter {
  readonly #nowMs: () => number;
  readonly #fluidOf: (functionName: string, config: Config) => number;
  readonly #holdings = new Map<string, FunctionHolding>();
  readonly #instances = new Map<string, Instance>();
  #lastMs: number;
  #countsFromMs: number;
  #rate = { price: 0, cpuMillicores: 0, gpuPercent: 0 };
  #totals = { priceMs: 0, cpuMillicoreMs: 0, gpuPercentMs: 0, starts: 0, stops: 0, crashes: 0, refused: 0 };

  /** @param fluidOf what one instance of a config carries, in requests per second */
  constructor(
    nowMs: () => number,
    countsFromMs: number,
    fluidOf: (functionName: string, config: Config) => number,
  ) {
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
    this.#countsFromMs = countsFromMs;
    this.#fluidOf = fluidOf;
  }

  /** What counts, up to now. */
  get totals(): ResourceTotals {
    this.#advance();
    return { ...this.#totals };
  }

  get holders(): readonly Holder[] {
    return [...this.#instances.values()];
  }

  holdingOf(functionName: string): FunctionHolding {
    let holding = this.#holdings.get(functionName);
    if (holding === undefined) {
      holding = { instances: 0, ready: 0, price: 0, fluidPerSecond: 0 };
      this.#holdings.set(functionName, holding);
    }
    return holding;
  }

  started(instance: Instance): void {
    this.#instances.set(instance.id, instance);
    this.#hold(instance, 1);
    if (this.#counts) this.#totals.starts += 1;
  }

  ready(instance: Instance): void {
    this.holdingOf(instance.functionName).ready += 1;
  }

  stopping(instance: Instance): void {
    if (instance.readyAtMs !== undefined) this.holdingOf(instance.functionName).ready -= 1;
    if (this.#counts) this.#totals.stops += 1;
  }

  gone(instance: Instance, wasReady: boolean): void {
    this.#instances.delete(instance.id);
    if (wasReady) this.holdingOf(instance.functionName).ready -= 1;
    if (this.#counts && instance.phase !== 'draining') this.#totals.crashes += 1;
    this.#hold(instance, -1);
  }

  refused(): void {
    this.#totals.refused += 1;
  }

  get #counts(): boolean {
    return this.#nowMs() >= this.#countsFromMs;
  }

  #hold({ functionName, config }: Instance, sign: 1 | -1): void {
    this.#advance();
    const price = priceOf(config);
    const holding = this.holdingOf(functionName);
    holding.instances += sign;
    holding.price += sign * price;
    holding.fluidPerSecond += sign * this.#fluidOf(functionName, config);
    this.#rate.price += sign * price;
    this.#rate.cpuMillicores += sign * config.cpuMillicores;
    this.#rate.gpuPercent += sign * config.gpuPercent;
  }

  #advance(): void {
    const nowMs = this.#nowMs();
    const passedMs = nowMs - Math.max(this.#lastMs, Math.min(nowMs, this.#countsFromMs));
    this.#lastMs = nowMs;
    this.#totals.priceMs += this.#rate.price * passedMs;
    this.#totals.cpuMillicoreMs += this.#rate.cpuMillicores * passedMs;
    this.#totals.gpuPercentMs += this.#rate.gpuPercent * passedMs;
  }
}
