import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../models/base/clock.ts';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import type { DispatchedBatch } from '../dispatch/dispatcher.ts';
import type { BatchTransport } from '../dispatch/transport.ts';
import type { Deployment } from '../functions/deployment.ts';
import type { Origin } from '../functions/function-store.ts';
import type { FunctionDeclaration } from '../functions/spec.ts';
import { requireFeasible } from '../plan/feasibility.ts';
import type {
  ClusterSnapshot,
  FunctionDemand,
  Plan,
  Planner,
  RateModel,
  Shortage,
  StartDecision,
} from '../plan/model.ts';
import { plan } from '../plan/planner.ts';
import type { Instance, InstanceEvent, Platform } from '../platforms/platform.ts';
import { snapshotCluster } from './cluster-snapshot.ts';
import { InstanceHealth } from './instance-health.ts';
import { ManagedFunction } from './managed-function.ts';
import type { ControlSettings } from './settings.ts';

export interface ControllerParts {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly transport: BatchTransport;
  readonly rates: RateModel;
  /** How it is decided what runs; default: {@link plan}. */
  readonly planner?: Planner;
  readonly settings: ControlSettings;
  readonly logger: Logger;
  /** Told of every batch that ran, for metrics. */
  readonly onBatch?: (functionName: string, batch: DispatchedBatch) => void;
}

/** What the planner is given, and by how much the demand in it exceeds what is expected. */
export interface PlanInput {
  readonly demands: readonly FunctionDemand[];
  readonly cluster: ClusterSnapshot;
  readonly rates: RateModel;
  readonly headroom: number;
}

/**
 * The loop: measure demand, plan, start and stop. It holds the deployed functions and is the only one that talks to
 * the platform; what to do is decided by the pure planner, and what a batch is by the batch former.
 */
export class Controller {
  readonly #parts: ControllerParts;
  readonly #functions = new Map<string, ManagedFunction>();
  readonly #health = new InstanceHealth();
  /** Memory that the instances hold, for when their function is not there any more to say. */
  readonly #memoryBytes = new Map<string, number>();
  #shortages: readonly Shortage[] = [];
  #cancelTick: Cancel | undefined;
  #ticking: Promise<void> | undefined;
  #tickAgain = false;
  #isRunning = false;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
  }

  /** Opens the platform, adopting what still runs; ticking starts with {@link run}. */
  async open(): Promise<void> {
    await this.#parts.platform.open((event) => this.#onEvent(event));
  }

  /** Starts ticking. Functions deployed before keep their adopted instances; those of no function are stopped. */
  run(): void {
    this.#isRunning = true;
    this.#tickSoon();
  }

  get functions(): readonly ManagedFunction[] {
    return [...this.#functions.values()];
  }

  find(name: string): ManagedFunction | undefined {
    return this.#functions.get(name);
  }

  instancesOf(name: string): Instance[] {
    return this.#parts.platform.instances().filter((instance) => instance.functionName === name);
  }

  shortageOf(name: string): Shortage | undefined {
    return this.#shortages.find((shortage) => shortage.functionName === name);
  }

  /** What plans are made of, as it is now. */
  async planInput(): Promise<PlanInput> {
    const { platform, clock, rates, settings } = this.#parts;
    const nodes = await platform.nodes();
    const nowMs = clock.nowMs(); // after waiting: everything below shall be of one moment
    const starting = new Set(
      platform.instances().flatMap(({ phase, functionName }) => (phase === 'starting' ? [functionName] : [])),
    );
    const demands = this.functions.map((managed) =>
      this.#demandOf(managed, nowMs, starting.has(managed.name)),
    );
    const memoryOf = (id: string): number => this.#memoryBytes.get(id) ?? 0;
    const cluster = snapshotCluster(nodes, platform.instances(), this.#functions, memoryOf);
    return { demands, cluster, rates, headroom: settings.headroom };
  }

  /**
   * Deploys a function, or replaces one of the same name: its old instances serve until new ones are ready.
   *
   * @throws InflessError SLO_INFEASIBLE with the nearest feasible SLO.
   */
  deploy(declared: {
    origin: Origin;
    declaration: FunctionDeclaration;
    deployment: Deployment;
  }): ManagedFunction {
    const { clock, transport, settings, rates } = this.#parts;
    const name = declared.deployment.spec.name;
    const predecessor = this.#functions.get(name);
    const parts = {
      clock,
      transport,
      onInstanceLost: (id: string, reason: string) => this.#onInstanceLost(name, id, reason),
      onBatch: (batch: DispatchedBatch) => this.#onBatch(name, batch),
    };
    const managed = new ManagedFunction(declared, settings, parts, predecessor);
    const { slo, percentile } = declared.deployment.spec;
    requireFeasible(name, managed.candidates(), { sloMs: slo, percentile, arrivalCv: 1 }, rates);
    predecessor?.dispatcher.retireTo(managed.dispatcher);
    this.#functions.set(name, managed);
    this.#refreshDispatcher(managed);
    this.#tickSoon();
    return managed;
  }

  /** Takes a function away; its instances finish what they run. */
  remove(name: string): void {
    const managed = this.#functions.get(name);
    if (managed === undefined) return;
    this.#functions.delete(name);
    managed.dispatcher.refuseUntil(
      Infinity,
      new InflessError('FUNCTION_NOT_FOUND', `Function "${name}" was deleted while this request waited`),
    );
    this.#tickSoon();
  }

  /** Counts an arrival. The first that waits wakes a function without instances at once, not at the next tick. */
  observeArrival(managed: ManagedFunction): void {
    const nowMs = this.#parts.clock.nowMs();
    const { dispatcher, backoff, name } = managed;
    managed.arrived(nowMs);
    if (dispatcher.isServing || dispatcher.queued > 0 || !backoff.mayStart(nowMs)) return;
    if (this.instancesOf(name).length === 0) this.#tickSoon();
  }

  /** Stops ticking, and leaves the instances for a successor or stops them all. */
  async close(mode: 'leave' | 'stop'): Promise<void> {
    this.#isRunning = false;
    this.#cancelTick?.();
    await this.#ticking;
    await this.#parts.platform.close(mode);
  }

  #scheduleTick(): void {
    const { clock, settings } = this.#parts;
    if (!this.#isRunning) return;
    this.#cancelTick?.();
    this.#cancelTick = clock.at(clock.nowMs() + settings.tickMs, () => this.#tickSoon());
  }

  /** Ticks now or, while one is under way, once more right after it. */
  #tickSoon(): void {
    if (!this.#isRunning) return;
    if (this.#ticking !== undefined) {
      this.#tickAgain = true;
      return;
    }
    this.#ticking = this.#tick()
      .catch((error: unknown) =>
        this.#parts.logger.error({ reason: messageOf(error) }, 'a control step failed'),
      )
      .finally(() => {
        this.#ticking = undefined;
        if (this.#tickAgain) {
          this.#tickAgain = false;
          this.#tickSoon();
        } else this.#scheduleTick();
      });
  }

  async #tick(): Promise<void> {
    const { clock, planner = plan } = this.#parts;
    const nowMs = clock.nowMs();
    const { demands, cluster, rates } = await this.planInput();
    const decision = planner(demands, cluster, rates);
    this.#shortages = decision.short;
    await this.#apply(decision, nowMs);
    for (const managed of this.#functions.values()) this.#refreshDispatcher(managed);
  }

  /** @param isStarting an instance is on its way: it is never stopped before it was ready, or starting was for nothing */
  #demandOf(managed: ManagedFunction, nowMs: number, isStarting: boolean): FunctionDemand {
    const { headroom } = this.#parts.settings;
    const { spec } = managed.deployment;
    const seen = managed.snapshot(nowMs);
    return {
      name: managed.name,
      sloMs: spec.slo,
      percentile: spec.percentile,
      ratePerSecond: seen.ratePerSecond * headroom,
      recentRatePerSecond: seen.recentRatePerSecond * headroom,
      arrivalCv: seen.arrivalCv,
      minInstances: spec.scale.min,
      warmInstances: seen.idle && !isStarting ? 0 : 1,
      maxInstances: spec.scale.max,
      candidates: managed.candidates(),
    };
  }

  async #apply(decision: Plan, nowMs: number): Promise<void> {
    const { platform } = this.#parts;
    const unwanted = platform
      .instances()
      .filter(({ id, functionName }) => !this.#functions.has(functionName) || this.#health.isHopeless(id));
    for (const { id } of [...decision.stop, ...unwanted]) await this.#stop(id);
    for (const start of decision.start) {
      const managed = this.#functions.get(start.functionName);
      if (managed?.backoff.mayStart(nowMs)) await this.#start(managed, start);
    }
  }

  async #stop(id: string): Promise<void> {
    const { platform, settings, logger } = this.#parts;
    const instance = platform.instances().find((each) => each.id === id);
    if (instance === undefined || instance.phase === 'draining') return;
    logger.info({ function: instance.functionName, instance: id }, 'stopping an instance');
    await platform.stop(id, settings.drainMs);
  }

  async #start(managed: ManagedFunction, { config, node, gpu }: StartDecision): Promise<void> {
    const { platform, logger } = this.#parts;
    const { name: functionName, deployment, times } = managed;
    const id = `${functionName}-${randomUUID().slice(0, 8)}`;
    const where = { node, ...(gpu === undefined ? {} : { gpu }) };
    logger.info({ function: functionName, instance: id, config, ...where }, 'starting an instance');
    this.#memoryBytes.set(id, times.view.memoryBytes(config));
    try {
      await platform.start({ id, functionName, config, ...where, workload: deployment.workload });
    } catch (error) {
      const reason = messageOf(error);
      logger.error({ function: functionName, instance: id, reason }, 'an instance cannot be started');
      this.#memoryBytes.delete(id);
      this.#onStartFailed(managed, reason);
    }
  }

  #onEvent(event: InstanceEvent): void {
    const { logger, clock } = this.#parts;
    const { id, functionName, phase } = event.instance;
    const managed = this.#functions.get(functionName);
    if (event.type === 'gone') {
      if (!event.expected) {
        logger.warn({ function: functionName, instance: id, reason: event.reason }, 'an instance is gone');
        const neverWorked = phase === 'starting' || !this.#health.hasAnswered(id);
        if (neverWorked && managed !== undefined) this.#onStartFailed(managed, event.reason);
      }
      this.#health.forget(id);
      this.#memoryBytes.delete(id);
    } else if (phase === 'ready') {
      const { startedAtMs, readyAtMs = clock.nowMs() } = event.instance;
      managed?.becameReady(readyAtMs, readyAtMs - startedAtMs);
      logger.info({ function: functionName, instance: id }, 'an instance is ready');
    }
    if (managed !== undefined) this.#refreshDispatcher(managed);
    if (event.type === 'gone') this.#tickSoon();
  }

  /** Requests wait through a failed start, but not for a function that evidently cannot start. */
  #onStartFailed(managed: ManagedFunction, reason: string): void {
    const { backoff, dispatcher, name } = managed;
    const nowMs = this.#parts.clock.nowMs();
    backoff.failed(nowMs, reason);
    const serves = this.instancesOf(name).some(({ phase }) => phase === 'ready');
    if (serves || !backoff.isHopeless) return;
    const error = new InflessError('UNAVAILABLE', `Instances of function "${name}" cannot start: ${reason}`, {
      remedy: 'It is tried again from time to time; look at the logs of its instances.',
      details: { retryAfterMs: backoff.retryAtMs - nowMs },
    });
    dispatcher.refuseUntil(backoff.retryAtMs, error);
  }

  #onBatch(functionName: string, batch: DispatchedBatch): void {
    this.#health.answered(batch.instanceId);
    this.#functions.get(functionName)?.backoff.answered();
    this.#parts.onBatch?.(functionName, batch);
  }

  #onInstanceLost(functionName: string, id: string, reason: string): void {
    const { clock, logger } = this.#parts;
    logger.warn({ function: functionName, instance: id, reason }, 'an instance failed a batch');
    this.#health.failed(id, clock.nowMs());
  }

  #refreshDispatcher(managed: ManagedFunction): void {
    const nowMs = this.#parts.clock.nowMs();
    const serving = this.instancesOf(managed.name).flatMap(({ id, config, url, phase }) =>
      phase === 'ready' && url !== undefined && !this.#health.isSuspect(id, nowMs)
        ? [{ id, config, url }]
        : [],
    );
    managed.dispatcher.setInstances(serving);
  }
}
