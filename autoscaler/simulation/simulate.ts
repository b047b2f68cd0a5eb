import { randomExponential } from 'd3-random';
import type { Random } from '../../models/base/random.ts';
import { VirtualClock } from '../../models/base/virtual-clock.ts';
import type { InferenceRequest } from '../../packager/server/instance-protocol.ts';
import { type Config, configKey } from '../../profiles/config.ts';
import { type ProfileView, viewOf } from '../../profiles/lookup.ts';
import { ExecutionTimes } from './cluster/execution-times.ts';
import { SimulatedCluster } from './cluster/simulated-cluster.ts';
import { SimulatedPlatform } from './cluster/simulated-platform.ts';
import { SimulatedTransport } from './cluster/simulated-transport.ts';
import { MeteredPlatform } from './meters/metered-platform.ts';
import { RequestMeter } from './meters/request-meter.ts';
import { ResourceMeter } from './meters/resource-meter.ts';
import { Timeline } from './meters/timeline.ts';
import { RequestLog, type RequestRecord } from './request-log.ts';
import { type SimulationResult, summarize } from './result.ts';
import { deploymentOf, type Scenario, type SimulatedFunction } from './scenario.ts';
import { batchTimeStream, crashStream, policySeed } from './streams.ts';
import type { ServingSystem, System } from './systems/serving-system.ts';

/** Bodies are not looked at: all requests share one. */
const REQUEST: InferenceRequest = { path: '/', contentType: 'text/plain', body: new Uint8Array() };

/**
 * The timeline looks once a second by default, but no more often than leaves it so many samples of functions
 * to keep.
 */
const SAMPLE_MS = 1000;
const MOST_SAMPLES = 250_000;

/** So many events are let pass before the process is let hear of the world: a signal, a finished write. */
const EVENTS_A_TURN = 1000;

const SOON = Promise.resolve();

/** How long after the last arrival answers are waited for; what is not answered then has failed. */
const PATIENCE_MS = 60_000;

/**
 * Lets a policy serve a scenario in virtual time, as fast as this machine can: the policy's own code runs,
 * over nodes and instances that only pass time. The same scenario and seed give the same result.
 */
export async function simulate(
  scenario: Scenario,
  policy: System,
  options: SimulateOptions = {},
): Promise<SimulationResult> {
  const run = new Simulation(scenario, policy, options);
  return run.toEnd();
}

export interface SimulateOptions {
  /** Ends the run early: what has arrived by then is still answered, and the result is of that. */
  readonly signal?: AbortSignal;
  /** Told of every request that counts, when it is answered or given up. */
  readonly onRequest?: (record: RequestRecord) => void;
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #policy: System;
  readonly #clock = new VirtualClock();
  readonly #warmUpMs: number;
  readonly #views: ReadonlyMap<string, ProfileView>;
  readonly #cluster: SimulatedCluster;
  readonly #resources: ResourceMeter;
  readonly #timeline: Timeline;
  readonly #meters: ReadonlyMap<string, RequestMeter>;
  readonly #system: ServingSystem;
  readonly #seed: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onRequest: ((record: RequestRecord) => void) | undefined;
  readonly #log = new RequestLog();
  readonly #sampleMs: number;
  #endMs: number;
  #waiting = 0;
  #events = 0;

  constructor(scenario: Scenario, policy: System, { signal, onRequest }: SimulateOptions) {
    const { functions, nodes, warmUpMs = 0, seed = 1, executionNoiseCv = 0 } = scenario;
    this.#scenario = scenario;
    this.#policy = policy;
    this.#warmUpMs = warmUpMs;
    this.#seed = seed;
    this.#signal = signal;
    this.#onRequest = onRequest;
    this.#endMs = scenario.durationMs;
    this.#sampleMs = scenario.sampleMs ?? sampleMsFor(scenario);
    const clock = this.#clock;
    this.#views = new Map(functions.map(({ spec, table }) => [spec.name, viewOf(table)]));
    this.#cluster = new SimulatedCluster({
      clock,
      nodes,
      startUp: ({ functionName, config }) => ({ afterMs: this.#view(functionName).startupMs(config) }),
    });
    this.#resources = new ResourceMeter(
      () => clock.nowMs(),
      warmUpMs,
      (name, config) => (config.batch * 1000) / this.#view(name).executionMs(config, config.batch, 0.5),
    );
    const names = functions.map(({ spec }) => spec.name);
    const configs = uniqueConfigs([...this.#views.values()].flatMap((view) => view.configs()));
    this.#timeline = new Timeline(names, nodes, configs, this.#resources, this.#sampleMs);
    this.#meters = new Map(functions.map(({ spec }) => [spec.name, new RequestMeter(spec.slo)]));
    this.#system = policy.create({
      clock,
      platform: new MeteredPlatform(new SimulatedPlatform(this.#cluster), this.#resources),
      transport:
        onRequest === undefined
          ? this.#transport(seed, executionNoiseCv)
          : this.#log.watch(this.#transport(seed, executionNoiseCv), clock),
      functions: functions.map(deploymentOf),
      seed: policySeed(seed),
    });
  }

  async toEnd(): Promise<SimulationResult> {
    const { functions, meanTimeToFailureMs } = this.#scenario;
    await this.#system.open();
    for (const each of functions) this.#feed(each);
    this.#every(this.#sampleMs, this.#warmUpMs, () =>
      this.#timeline.sample(this.#clock.nowMs() - this.#warmUpMs),
    );
    if (meanTimeToFailureMs !== undefined) this.#crash(meanTimeToFailureMs, crashStream(this.#seed));
    await this.#pass(() => {
      if (this.#signal?.aborted) this.#endMs = Math.min(this.#endMs, this.#clock.nowMs());
      return this.#clock.nowMs() >= this.#endMs;
    });
    const totals = this.#resources.totals;
    const expiresAtMs = this.#endMs + PATIENCE_MS;
    await this.#pass(() => this.#waiting === 0 || this.#clock.nowMs() >= expiresAtMs);
    return summarize(this.#policy.name, {
      measuredMs: Math.max(0, this.#endMs - this.#warmUpMs),
      totals,
      timeline: this.#timeline.samples,
      requests: [...this.#meters].map(([name, meter]) => ({ name, ...meter.summary })),
    });
  }

  /**
   * Fires timers, each when all that the one before set off has come to rest, until it is enough.
   *
   * Node.js runs what `nextTick` was given once no promise's reaction is left to run: that is what coming to
   * rest means here, where nothing waits for anything but promises and this clock, and some ten times as
   * quick as a turn of the event loop. Every now and then there is one all the same, for what the process has
   * to do beside: hear of a signal, write.
   */
  #pass(isEnough: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (isEnough()) {
            resolve();
            return;
          }
          this.#clock.step();
        } catch (error) {
          reject(error);
          return;
        }
        this.#events += 1;
        if (this.#events % EVENTS_A_TURN === 0) setImmediate(step);
        else void SOON.then(stepAtRest);
      };
      // from a reaction: a tick would run ahead of them
      const stepAtRest = (): void => process.nextTick(step);
      setImmediate(step);
    });
  }

  #view(functionName: string): ProfileView {
    return this.#views.get(functionName)!;
  }

  /** One arrival is known ahead at a time: traces may be longer than memory. */
  #feed({ spec: { name }, arrivals }: SimulatedFunction): void {
    const stream = arrivals[Symbol.iterator]();
    const meter = this.#meters.get(name)!;
    const holding = this.#resources.holdingOf(name);
    let atMs = 0;
    const next = (): void => {
      const arrival = stream.next();
      if (arrival.done || arrival.value >= this.#endMs) {
        stream.return?.();
        return;
      }
      atMs = arrival.value;
      this.#clock.at(atMs, arrive);
    };
    const arrive = (): void => {
      if (atMs >= this.#endMs) return;
      this.#arrive(name, meter, holding.ready === 0);
      next();
    };
    next();
  }

  #arrive(name: string, meter: RequestMeter, isCold: boolean): void {
    const arrivalMs = this.#clock.nowMs();
    const counts = arrivalMs >= this.#warmUpMs;
    if (counts) {
      meter.arrived(isCold);
      this.#timeline.arrived(name, arrivalMs - this.#warmUpMs);
    }
    this.#waiting += 1;
    // only where each is looked at by itself they must be told apart
    const request = this.#onRequest === undefined ? REQUEST : { ...REQUEST };
    const tell = (outcome: RequestRecord['outcome']): void => {
      if (this.#onRequest !== undefined) this.#tell(name, request, { arrivalMs, cold: isCold, outcome });
    };
    this.#system.submit(name, request).then(
      () => {
        this.#waiting -= 1;
        if (!counts) return;
        const isInTime = meter.answered(this.#clock.nowMs() - arrivalMs);
        if (isInTime) this.#timeline.answeredInTime(name, arrivalMs - this.#warmUpMs);
        tell(isInTime ? 'in-time' : 'late');
      },
      () => {
        this.#waiting -= 1;
        if (!counts) return;
        meter.failed();
        tell('failed');
      },
    );
  }

  #tell(
    functionName: string,
    request: InferenceRequest,
    { arrivalMs, cold, outcome }: Pick<RequestRecord, 'arrivalMs' | 'cold' | 'outcome'>,
  ): void {
    const sent = this.#log.sent(request);
    this.#onRequest!({
      functionName,
      arrivalMs: arrivalMs - this.#warmUpMs,
      startMs: sent === undefined ? null : sent.startMs - this.#warmUpMs,
      endMs: this.#clock.nowMs() - this.#warmUpMs,
      instance: sent?.instance ?? null,
      batch: sent?.batch ?? null,
      cold,
      outcome,
    });
  }

  #every(periodMs: number, fromMs: number, action: () => void): void {
    const next = (atMs: number): void => {
      if (atMs > this.#endMs) return;
      this.#clock.at(atMs, () => {
        if (atMs > this.#endMs) return;
        action();
        next(atMs + periodMs);
      });
    };
    next(fromMs + periodMs);
  }

  /** Of n instances one fails n times as often as each. */
  #crash(meanTimeToFailureMs: number, random: Random): void {
    const exponential = randomExponential.source(random)(1);
    const next = (): void => {
      const count = Math.max(1, this.#cluster.instances.length);
      const pauseMs = (exponential() * meanTimeToFailureMs) / count;
      this.#clock.at(this.#clock.nowMs() + pauseMs, () => {
        const { instances } = this.#cluster;
        const victim = instances[Math.floor(random() * instances.length)];
        if (victim !== undefined) this.#cluster.crash(victim.view.id);
        next();
      });
    };
    next();
  }

  #transport(seed: number, noiseCv: number): SimulatedTransport {
    const times = new Map(
      [...this.#views].map(([name, view]) => [
        name,
        new ExecutionTimes(view, batchTimeStream(seed, name), noiseCv),
      ]),
    );
    const { nodeSpeeds } = this.#scenario;
    return new SimulatedTransport({
      cluster: this.#cluster,
      executionMs: (config, rows, _random, functionName, node) =>
        times.get(functionName)!.drawMs(config, rows) / (nodeSpeeds?.get(node) ?? 1),
    });
  }
}

function uniqueConfigs(configs: readonly Config[]): Config[] {
  return [...new Map(configs.map((config) => [configKey(config), config])).values()];
}

function sampleMsFor({ durationMs, functions }: Scenario): number {
  const seconds = Math.ceil((durationMs / 1000) * (functions.length / MOST_SAMPLES));
  return SAMPLE_MS * Math.max(1, seconds);
}
