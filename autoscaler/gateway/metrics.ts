import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { formatConfig } from '../../profiles/config.ts';
import type { Controller } from '../control/controller.ts';
import type { DispatchedBatch } from '../dispatch/dispatcher.ts';
import type { GpuReading, Platform } from '../fleet/platform.ts';
import { shortageKind } from '../planning/decision.ts';
import { qualifiedName } from './function-address.ts';

const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2.5, 5, 10, 30];
const DELAY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2.5];
const DELAY_LOOK_MS = 20;
const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64];

/**
 * What `/metrics` of the gateway tells: the names that OpenFaaS dashboards expect, and our own. A function is
 * called `NAME.NAMESPACE` in all of them, as OpenFaaS does, so that they can be put beside each other.
 */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #namespace: string;
  readonly #invocations = new Map<string, number>();
  /** Of which functions there are series, and by which statuses. */
  readonly #codes = new Map<string, Set<number>>();
  #isThere: (functionName: string) => boolean = () => true;
  readonly #arrived = new Map<string, number>();
  readonly #started: Counter<'function_name'>;
  readonly #answered: Counter<'function_name' | 'code'>;
  readonly #seconds: Histogram<'function_name' | 'code'>;
  readonly #late: Counter<'function_name'>;
  readonly #batch: Histogram<'function_name'>;
  readonly #unbatched: Counter<'function_name'>;
  readonly #loopDelay: Histogram;

  constructor(namespace: string) {
    this.#namespace = namespace;
    const registers = [this.registry];
    const forgetDeleted = (): void => this.#forgetDeleted();
    this.#started = new Counter({
      name: 'gateway_function_invocation_started',
      help: 'Requests taken in.',
      labelNames: ['function_name'],
      registers,
      collect: forgetDeleted, // the first to be collected
    });
    this.#answered = new Counter({
      name: 'gateway_function_invocation_total',
      help: 'Requests answered, by HTTP status.',
      labelNames: ['function_name', 'code'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'gateway_functions_seconds',
      help: 'Arrival at the gateway to the end of the answer.',
      labelNames: ['function_name', 'code'],
      buckets: SECONDS_BUCKETS,
      registers,
    });
    this.#late = new Counter({
      name: 'infless_slo_violations_total',
      help: 'Requests not answered within the SLO: late, refused for lack of room, or failed; wrong requests do not count.',
      labelNames: ['function_name'],
      registers,
    });
    this.#batch = new Histogram({
      name: 'infless_batch_requests',
      help: 'Requests that ran together.',
      labelNames: ['function_name'],
      buckets: SIZE_BUCKETS,
      registers,
    });
    this.#unbatched = new Counter({
      name: 'infless_unbatched_total',
      help: 'Batches whose requests ran one by one, because an output did not have the rows that went in.',
      labelNames: ['function_name'],
      registers,
    });
    collectDefaultMetrics({ register: this.registry });
    this.#loopDelay = new Histogram({
      name: 'infless_event_loop_delay_seconds',
      help: 'How much later than asked for a timer of the gateway fired, fifty times a second.',
      buckets: DELAY_BUCKETS,
      registers,
    });
  }

  /** Measures how long the event loop is held up, from now on. @returns ends it */
  watchEventLoop(): () => void {
    let dueMs = performance.now() + DELAY_LOOK_MS;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      this.#loopDelay.observe(Math.max(0, nowMs - dueMs) / 1000);
      dueMs = nowMs + DELAY_LOOK_MS;
    }, DELAY_LOOK_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  started(functionName: string): void {
    this.#codesOf(functionName);
    this.#arrived.set(functionName, (this.#arrived.get(functionName) ?? 0) + 1);
    this.#started.inc({ function_name: this.#nameOf(functionName) });
  }

  answered(functionName: string, code: number, latencyMs: number, violatesSlo: boolean): void {
    const function_name = this.#nameOf(functionName);
    this.#invocations.set(functionName, this.invocationsOf(functionName) + 1);
    this.#codesOf(functionName).add(code);
    this.#answered.inc({ function_name, code });
    this.#seconds.observe({ function_name, code }, latencyMs / 1000);
    if (violatesSlo) this.#late.inc({ function_name });
  }

  batchRan(functionName: string, batch: DispatchedBatch): void {
    const labels = { function_name: this.#nameOf(functionName) };
    if (batch.ranAlone === undefined) this.#batch.observe(labels, batch.size);
    else {
      this.#unbatched.inc(labels);
      for (let request = 0; request < batch.size; request += 1) this.#batch.observe(labels, 1);
    }
  }

  #codesOf(functionName: string): Set<number> {
    const codes = this.#codes.get(functionName) ?? new Set();
    this.#codes.set(functionName, codes);
    return codes;
  }

  /** A function that is deleted leaves no series: who makes and deletes many would fill the memory. */
  #forgetDeleted(): void {
    for (const [functionName, codes] of this.#codes) {
      if (this.#isThere(functionName)) continue;
      const function_name = this.#nameOf(functionName);
      for (const code of codes)
        for (const metric of [this.#answered, this.#seconds]) metric.remove({ function_name, code });
      for (const metric of [this.#started, this.#late, this.#batch, this.#unbatched])
        metric.remove({ function_name });
      this.#codes.delete(functionName);
      this.#invocations.delete(functionName);
      this.#arrived.delete(functionName);
    }
  }

  /** How many batches of a function had which size, in the steps of the histogram, since we started. */
  async batchSizesOf(functionName: string): Promise<readonly { name: string; count: number }[]> {
    const { values } = await this.#batch.get();
    const own = values.filter(({ labels, metricName }) => {
      return labels.function_name === this.#nameOf(functionName) && metricName?.endsWith('_bucket');
    });
    const upTo = ({ labels }: (typeof own)[number]): unknown => (labels as { readonly le?: unknown }).le;
    return own.map((bucket, index) => {
      const { value } = bucket;
      const [below, most] = [own[index - 1], upTo(bucket)];
      const least = below === undefined ? 1 : Number(upTo(below)) + 1;
      const name = most === '+Inf' ? `${least} and more` : least === most ? `${most}` : `${least}–${most}`;
      return { name, count: value - (below?.value ?? 0) };
    });
  }

  /** Requests that have come since we started, by function. */
  get arrived(): ReadonlyMap<string, number> {
    return this.#arrived;
  }

  /** Requests of a function that were answered since we started. */
  invocationsOf(functionName: string): number {
    return this.#invocations.get(functionName) ?? 0;
  }

  /** Adds how many asynchronous calls are not over. */
  watchAsyncCalls(read: () => number): void {
    new Gauge({
      name: 'infless_async_calls',
      help: 'Asynchronous calls waiting and running.',
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Adds what is read off the controller whenever somebody scrapes. */
  watch(controller: Controller): void {
    this.#isThere = (name) => controller.find(name) !== undefined;
    const registers = [this.registry];
    const nameOf = (name: string): string => this.#nameOf(name);
    const gauge = (name: string, help: string, read: (name: string) => number): void => {
      new Gauge({
        name,
        help,
        labelNames: ['function_name'],
        registers,
        collect() {
          this.reset();
          for (const { name: functionName } of controller.functions) {
            this.set({ function_name: nameOf(functionName) }, read(functionName));
          }
        },
      });
    };
    gauge(
      'gateway_service_count',
      'Instances that are ready.',
      (name) => controller.instancesOf(name).filter(({ phase }) => phase === 'ready').length,
    );
    gauge(
      'infless_queue_depth',
      'Requests waiting.',
      (name) => controller.find(name)?.dispatcher.queued ?? 0,
    );
    gauge(
      'infless_in_flight',
      'Requests running.',
      (name) => controller.find(name)?.dispatcher.inFlight ?? 0,
    );
    gauge(
      'infless_missing_rate',
      'Requests per second that the cluster cannot carry.',
      (name) => controller.shortageOf(name)?.missingPerSecond ?? 0,
    );
    new Gauge({
      name: 'infless_table_mismatch',
      help: 'Execution time over what the profile table says, for configs where they stay apart.',
      labelNames: ['function_name', 'config'],
      registers,
      collect() {
        this.reset();
        for (const { name, tableMismatches } of controller.functions) {
          for (const { configText, slowdown } of tableMismatches)
            this.set({ function_name: nameOf(name), config: configText }, slowdown);
        }
      },
    });
    new Gauge({
      name: 'infless_shortage',
      help: '1 for a function that lacks instances, by what it lacks them for.',
      labelNames: ['function_name', 'reason'],
      registers,
      collect() {
        this.reset();
        for (const { name } of controller.functions) {
          const shortage = controller.shortageOf(name);
          if (shortage !== undefined)
            this.set({ function_name: nameOf(name), reason: shortageKind(shortage) }, 1);
        }
      },
    });
    new Counter({
      name: 'infless_scaling_actions_total',
      help: 'Instances that were started and stopped, by what for.',
      labelNames: ['function_name', 'action', 'reason'],
      registers,
      collect() {
        this.reset();
        for (const { functionName, type, reason, count } of controller.actionCounts)
          this.inc({ function_name: nameOf(functionName), action: type, reason }, count);
      },
    });
    new Gauge({
      name: 'infless_planned_slo_seconds',
      help: 'What a function is planned for whose own SLO no config keeps that a node can hold.',
      labelNames: ['function_name'],
      registers,
      collect() {
        this.reset();
        for (const { name } of controller.functions) {
          const sloMs = controller.looserSloMsOf(name);
          if (sloMs !== undefined) this.set({ function_name: nameOf(name) }, sloMs / 1000);
        }
      },
    });
    new Gauge({
      name: 'infless_gpu_share',
      help: 'What instances have of GPUs, in GPUs.',
      labelNames: ['function_name', 'node', 'gpu'],
      registers,
      collect() {
        this.reset();
        for (const { name } of controller.functions) {
          for (const { config, node, gpu } of controller.instancesOf(name)) {
            if (config.gpuPercent === 0) continue;
            const labels = { function_name: nameOf(name), node, gpu: gpu === undefined ? '' : String(gpu) };
            this.inc(labels, config.gpuPercent / 100);
          }
        }
      },
    });
    new Gauge({
      name: 'infless_instances',
      help: 'Instances by config and phase.',
      labelNames: ['function_name', 'config', 'phase'],
      registers,
      collect() {
        this.reset();
        for (const { name } of controller.functions) {
          for (const { config, phase } of controller.instancesOf(name)) {
            this.inc({ function_name: nameOf(name), config: formatConfig(config), phase });
          }
        }
      },
    });
  }

  /** Adds what GPUs do, where the platform tells. */
  watchGpus(platform: Pick<Platform, 'gpus'>): void {
    const gauge = (name: string, help: string, read: (gpu: GpuReading) => number | null): void => {
      new Gauge({
        name,
        help,
        labelNames: ['node', 'gpu'],
        registers: [this.registry],
        collect() {
          this.reset();
          for (const reading of platform.gpus?.() ?? []) {
            const value = read(reading);
            if (value !== null) this.set({ node: reading.node, gpu: reading.uuid }, value);
          }
        },
      });
    };
    gauge('infless_gpu_memory_used_bytes', 'Memory of a GPU that is used.', (gpu) => gpu.usedMemoryBytes);
    gauge('infless_gpu_power_watts', 'Power that a GPU draws.', (gpu) => gpu.powerWatts);
    gauge(
      'infless_gpu_utilization_ratio',
      'Share of the time that something computed on a GPU.',
      ({ utilizationPercent }) => (utilizationPercent === null ? null : utilizationPercent / 100),
    );
  }

  #nameOf(functionName: string): string {
    return qualifiedName(functionName, this.#namespace);
  }
}
