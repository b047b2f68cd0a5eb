import { pino } from 'pino';
import type { Instance } from '../../autoscaler/cluster/instance.ts';
import type { NodeCapacity } from '../../autoscaler/cluster/node.ts';
import { Controller, type ControllerParts } from '../../autoscaler/control/controller.ts';
import type { ManagedFunction } from '../../autoscaler/control/managed-function.ts';
import { type ControlSettings, DEFAULT_CONTROL_SETTINGS } from '../../autoscaler/control/settings.ts';
import type { DispatchedBatch } from '../../autoscaler/dispatch/dispatcher.ts';
import type { BatchTransport } from '../../autoscaler/dispatch/transport.ts';
import type { StartRequest } from '../../autoscaler/fleet/platform.ts';
import { percentileRateModel } from '../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../autoscaler/planning/capacity/rate-model.ts';
import { SimulatedCluster } from '../../autoscaler/simulation/cluster/simulated-cluster.ts';
import type { StartUp } from '../../autoscaler/simulation/cluster/simulated-instance.ts';
import { SimulatedPlatform } from '../../autoscaler/simulation/cluster/simulated-platform.ts';
import {
  SimulatedTransport,
  type SimulatedTransportOptions,
} from '../../autoscaler/simulation/cluster/simulated-transport.ts';
import { InflessError } from '../../models/base/errors.ts';
import { VirtualClock } from '../../models/base/virtual-clock.ts';
import { type ArrivalProcess, arrivals } from '../../profiler/load/arrivals/arrivals.ts';
import type { RateCurve } from '../../profiler/load/arrivals/rates.ts';
import { nodeCapacity } from './resources.ts';
import { drawnMs } from './simulated-functions.ts';
import { advance, advanceThrough } from './virtual-time.ts';

export interface WorldOptions {
  readonly nodes?: readonly NodeCapacity[];
  readonly rates?: RateModel;
  readonly settings?: Partial<ControlSettings>;
  readonly startUp?: (request: StartRequest) => StartUp;
  readonly executionMs?: SimulatedTransportOptions['executionMs'];
  readonly onDecision?: ControllerParts['onDecision'];
  /** Changes what instances answer. */
  readonly transport?: (real: BatchTransport) => BatchTransport;
}

/** One request and how it ended. */
export interface Sent {
  readonly arrivalMs: number;
  readonly latencyMs: number;
  /** Undefined for one that was answered. */
  readonly error: InflessError | undefined;
}

export interface Move {
  readonly atMs: number;
  readonly what: 'start' | 'stop' | 'gone';
  readonly id: string;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly function?: string;
  readonly reason?: string;
}

/** The whole autoscaler but its HTTP face, over simulated nodes, in virtual time. */
export class SimulatedWorld {
  readonly clock = new VirtualClock(1_000_000);
  readonly cluster: SimulatedCluster;
  readonly batches: DispatchedBatch[] = [];
  readonly moves: Move[] = [];
  /** Whatever the autoscaler logged as an error, e.g. a start that the platform refused. */
  readonly errors: unknown[] = [];
  /** Whatever it logged as a warning or for information. */
  readonly log: LogLine[] = [];
  readonly #options: WorldOptions;
  #controller: Controller;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.cluster = new SimulatedCluster({
      clock: this.clock,
      nodes: options.nodes ?? [
        nodeCapacity({ name: 'node', cpuMillicores: 32_000, memoryBytes: 64e9, gpuPercents: [] }),
      ],
      startUp: options.startUp ?? (() => ({ afterMs: 1_000 })),
    });
    this.#controller = this.#create();
  }

  static async open(options: WorldOptions = {}): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(options);
    await world.controller.open();
    return world;
  }

  get controller(): Controller {
    return this.#controller;
  }

  /**
   * As when the autoscaler's process ends and another comes: what runs keeps running. The new one is open,
   * not running.
   */
  async restart(): Promise<void> {
    await this.#controller.close('leave');
    this.#controller = this.#create();
    await this.#controller.open();
  }

  advance(durationMs: number): Promise<void> {
    return advance(this.clock, durationMs);
  }

  async close(): Promise<void> {
    await advanceThrough(this.clock, this.#controller.close('stop'));
  }

  instancesOf(name: string, phase?: Instance['phase']): Instance[] {
    return this.#controller
      .instancesOf(name)
      .filter((instance) => phase === undefined || instance.phase === phase);
  }

  /** CPU of a function's instances, in cores. */
  coresOf(name: string): number {
    return this.instancesOf(name).reduce((sum, { config }) => sum + config.cpuMillicores, 0) / 1000;
  }

  movesSince(atMs: number): Move[] {
    return this.moves.filter((move) => move.atMs >= atMs);
  }

  /** Sends one request as the gateway does. */
  async send(name: string): Promise<Sent> {
    const managed = this.#controller.find(name)!;
    const arrivalMs = this.clock.nowMs();
    this.#controller.observeArrival(managed);
    const error = await this.#submit(managed, arrivalMs);
    return { arrivalMs, latencyMs: this.clock.nowMs() - arrivalMs, error };
  }

  /** Lets a load come, from now on. What is returned fills while time passes, in the order of the answers. */
  load(
    name: string,
    curve: RateCurve,
    { process = { type: 'poisson' } as ArrivalProcess, seed = 1 } = {},
  ): Sent[] {
    const sent: Sent[] = [];
    const fromMs = this.clock.nowMs();
    const stream = arrivals(curve, process, seed);
    const next = (): void => {
      const arrival = stream.next();
      if (arrival.done) return;
      this.clock.at(fromMs + arrival.value, () => {
        void this.send(name).then((each) => sent.push(each));
        next();
      });
    };
    next();
    return sent;
  }

  async #submit(managed: ManagedFunction, arrivalMs: number): Promise<InflessError | undefined> {
    try {
      const request = { path: '/', contentType: 'text/plain', body: Buffer.from(String(arrivalMs)) };
      const response = await managed.dispatcher.submit(request, arrivalMs);
      if (Buffer.from(response.body).toString() === String(arrivalMs)) return undefined;
      throw new Error('a request got the answer of another');
    } catch (error) {
      if (error instanceof InflessError) return error;
      throw error;
    }
  }

  #create(): Controller {
    const { rates = percentileRateModel, settings = {}, executionMs = drawnMs } = this.#options;
    const { transport = (real) => real, onDecision } = this.#options;
    return new Controller({
      platform: this.#observed(new SimulatedPlatform(this.cluster)),
      clock: this.clock,
      transport: transport(new SimulatedTransport({ cluster: this.cluster, executionMs })),
      rates,
      settings: { ...DEFAULT_CONTROL_SETTINGS, ...settings },
      logger: pino({ level: 'info' }, { write: (line: string) => this.#logged(JSON.parse(line)) }),
      ...(onDecision === undefined ? {} : { onDecision }),
      onBatch: (_functionName, batch) => this.batches.push(batch),
    });
  }

  #logged(line: LogLine): void {
    (line.level >= pino.levels.values.error! ? this.errors : this.log).push(line);
  }

  /** Notes what is started and stopped. */
  #observed(platform: SimulatedPlatform): SimulatedPlatform {
    const note = (what: Move['what'], id: string): void => {
      this.moves.push({ atMs: this.clock.nowMs(), what, id });
    };
    const start = platform.start.bind(platform);
    const stop = platform.stop.bind(platform);
    platform.start = (request) => {
      note('start', request.id);
      return start(request);
    };
    platform.stop = (id, graceMs) => {
      note('stop', id);
      return stop(id, graceMs);
    };
    return platform;
  }
}

/** Share of requests that were answered within the SLO. */
export function attainment(sent: readonly Sent[], sloMs: number): number {
  return (
    sent.filter(({ error, latencyMs }) => error === undefined && latencyMs <= sloMs).length / sent.length
  );
}
