import { type Config, configKey } from '../../../profiles/config.ts';
import type { Instance } from '../../cluster/instance.ts';
import { priceOf } from '../../cluster/price.ts';
import type { InstanceMeter } from '../../simulation/meters/metered-platform.ts';
import { type Bins, binAt, StepSeries } from './step-series.ts';

/** How a request ended. */
export type RequestResult = 'inTime' | 'late' | 'rejected' | 'failed';

/** Requests of one function by the bin they arrived in. */
export interface RequestCounts extends Readonly<Record<RequestResult, number[]>> {
  readonly arrivals: number[];
  /** Arrived when no instance was ready. */
  readonly cold: number[];
}

/** What is held, in every way that a buyer may count it. */
export const HOLDINGS = ['cores', 'gpuPercent', 'memoryBytes', 'gflops', 'nodes'] as const;
export type Holding = (typeof HOLDINGS)[number];

interface FunctionCourse {
  readonly counts: RequestCounts;
  readonly configs: Map<string, { readonly config: Config; readonly instances: StepSeries }>;
  ready: number;
}

/** Writes down how a run goes: what is held, which configs, and how requests fare, over time. */
export class SeriesRecorder implements InstanceMeter {
  readonly #bins: Bins;
  readonly #nowMs: () => number;
  readonly #memoryBytesOf: (functionName: string, config: Config) => number;
  readonly #functions: ReadonlyMap<string, FunctionCourse>;
  readonly #held: Readonly<Record<Holding, StepSeries>>;
  readonly #instancesByNode = new Map<string, number>();
  readonly #ready = new Set<string>();

  constructor(
    names: readonly string[],
    bins: Bins,
    nowMs: () => number,
    memoryBytesOf: (functionName: string, config: Config) => number,
  ) {
    this.#bins = bins;
    this.#nowMs = nowMs;
    this.#memoryBytesOf = memoryBytesOf;
    this.#functions = new Map(names.map((name) => [name, newCourse(bins)]));
    const series = HOLDINGS.map((holding) => [holding, new StepSeries(bins)] as const);
    this.#held = Object.fromEntries(series) as Record<Holding, StepSeries>;
  }

  started(instance: Instance): void {
    const count = this.#instancesByNode.get(instance.node) ?? 0;
    this.#instancesByNode.set(instance.node, count + 1);
    this.#hold(instance, 1, count === 0 ? 1 : 0);
  }

  ready({ id, functionName }: Instance): void {
    this.#ready.add(id);
    this.#functions.get(functionName)!.ready += 1;
  }

  stopping(instance: Instance): void {
    this.#notReady(instance);
  }

  gone(instance: Instance): void {
    this.#notReady(instance);
    const count = this.#instancesByNode.get(instance.node)! - 1;
    this.#instancesByNode.set(instance.node, count);
    this.#hold(instance, -1, count === 0 ? -1 : 0);
  }

  /** A start without room leaves no trace here; the run's result counts it. */
  refused(): void {}

  /** @returns what to call when it has ended */
  arrived(functionName: string): (outcome: RequestResult) => void {
    const { counts, ready } = this.#functions.get(functionName)!;
    const bin = binAt(this.#bins, this.#nowMs());
    if (bin === undefined) return () => {};
    counts.arrivals[bin]! += 1;
    if (ready === 0) counts.cold[bin]! += 1;
    return (outcome) => {
      counts[outcome][bin]! += 1;
    };
  }

  countsOf(functionName: string): RequestCounts {
    return this.#functions.get(functionName)!.counts;
  }

  held(holding: Holding): StepSeries {
    return this.#upToDate(this.#held[holding]);
  }

  /** Each config that the function ever had, and how many instances of it. */
  configsOf(functionName: string): { readonly config: Config; readonly instances: StepSeries }[] {
    const { configs } = this.#functions.get(functionName)!;
    return [...configs.values()].map(({ config, instances }) => ({
      config,
      instances: this.#upToDate(instances),
    }));
  }

  #notReady({ id, functionName }: Instance): void {
    if (this.#ready.delete(id)) this.#functions.get(functionName)!.ready -= 1;
  }

  #hold({ functionName, config }: Instance, sign: 1 | -1, nodes: number): void {
    const nowMs = this.#nowMs();
    const held = this.#held;
    held.cores.add(nowMs, (sign * config.cpuMillicores) / 1000);
    held.gpuPercent.add(nowMs, sign * config.gpuPercent);
    held.memoryBytes.add(nowMs, sign * this.#memoryBytesOf(functionName, config));
    held.gflops.add(nowMs, sign * priceOf(config));
    held.nodes.add(nowMs, nodes);
    this.#seriesOf(functionName, config).add(nowMs, sign);
  }

  #seriesOf(functionName: string, config: Config): StepSeries {
    const { configs } = this.#functions.get(functionName)!;
    const key = configKey(config);
    let known = configs.get(key);
    if (known === undefined) {
      known = { config, instances: new StepSeries(this.#bins) };
      configs.set(key, known);
    }
    return known.instances;
  }

  #upToDate(series: StepSeries): StepSeries {
    series.advance(this.#nowMs());
    return series;
  }
}

function newCourse({ count }: Bins): FunctionCourse {
  const zeros = (): number[] => Array<number>(count).fill(0);
  const counts = {
    arrivals: zeros(),
    cold: zeros(),
    inTime: zeros(),
    late: zeros(),
    rejected: zeros(),
    failed: zeros(),
  };
  return { counts, configs: new Map(), ready: 0 };
}
