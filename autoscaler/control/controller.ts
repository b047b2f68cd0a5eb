import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../models/base/clock.ts';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { inParallel } from '../../models/base/in-parallel.ts';
import { gradeOf, gradeText } from '../../profiles/conditions/grade.ts';
import type { StartAction } from '../cluster/actions.ts';
import type { Instance } from '../cluster/instance.ts';
import type { DispatchedBatch, HowLost } from '../dispatch/dispatcher.ts';
import type { BatchTransport } from '../dispatch/transport.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { InstanceEvent, Platform } from '../fleet/platform.ts';
import type { Deployment } from '../functions/deployment.ts';
import { type Declared, functionNotFound } from '../functions/registry.ts';
import { ServiceTimes } from '../latency/service-times.ts';
import { mismatchText } from '../latency/table-watch.ts';
import { requireFeasible } from '../planning/capacity/feasibility.ts';
import type { RateModel } from '../planning/capacity/rate-model.ts';
import {
  type FunctionDecision,
  type FunctionDemand,
  type PlanInput,
  type Planner,
  type ScalingDecision,
  type Shortage,
  shortageKind,
  shortageText,
  startsOf,
  stopsOf,
} from '../planning/decision.ts';
import { changeText } from '../planning/decision-text.ts';
import { planCluster } from '../planning/planner.ts';
import { Complaints } from './complaints.ts';
import { type ActionCount, DecisionLog, type LoggedDecision } from './decision-log.ts';
import { looserSloText } from './looser-slo.ts';
import { type KeepAliveFactory, ManagedFunction } from './managed-function.ts';
import { type PlanScope, ScalingStep } from './scaling-step.ts';
import type { ControlSettings } from './settings.ts';

export interface ControllerParts {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly transport: BatchTransport;
  readonly rates: RateModel;
  /** How it is decided what runs; default: {@link planCluster}. */
  readonly planner?: Planner;
  /** How it is decided how long idle functions keep an instance; default: as each declares. */
  readonly createKeepAlive?: KeepAliveFactory;
  /**
   * Whether what is decided is told and kept, with what binds and what was rejected. Default: yes; in
   * simulations nothing reads it.
   */
  readonly logsDecisions?: boolean;
  /** Which functions a step of the loop plans; default: those that need it. */
  readonly scope?: PlanScope;
  readonly settings: ControlSettings;
  readonly logger: Logger;
  /**
   * Asked right before an instance is started or stopped: of several autoscalers that look after the same
   * instances only one may do that. Default: this one.
   */
  readonly mayAct?: () => boolean;
  /**
   * Told of decisions with what they were made of: of those that start or stop something, and of those by
   * which other functions are short than before.
   */
  readonly onDecision?: DecisionListener;
  /** Told of every batch that ran, for metrics. */
  readonly onBatch?: (functionName: string, batch: DispatchedBatch) => void;
}

/** Has to be quick, and must not throw. */
export type DecisionListener = (input: PlanInput, decision: ScalingDecision, atMs: number) => void;

/**
 * At most this many are under way at once: an API server takes some ms for each, and nothing else is decided
 * meanwhile.
 */
const MOST_STARTS = 16;

/**
 * The loop: measure demand, plan, start and stop. It holds the deployed functions and is the only one that
 * talks to the platform; what to do is decided by the pure planner, and what a batch is by the batch former.
 */
export class Controller {
  readonly #parts: ControllerParts;
  readonly #functions = new Map<string, ManagedFunction>();
  readonly #fleet: Fleet;
  readonly #step: ScalingStep;
  /** Why requests of a model cannot share runs, by its digest. Kept until this process ends. */
  readonly #unbatchable = new Map<string, string>();
  readonly #decisions = new DecisionLog();
  readonly #shortages: Complaints;
  readonly #looserSlos: Complaints;
  readonly #mismatches: Complaints;
  #cancelTick: Cancel | undefined;
  #ticking: Promise<void> | undefined;
  #tickAgain = false;
  #isRunning = false;
  #isLeading = false;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    const { platform, clock, logger, settings, rates, planner = planCluster, scope = 'needed' } = parts;
    const { drainMs } = settings;
    const { mayAct = () => true } = parts;
    const fleetParts = { platform, clock, logger, drainMs, mayAct: () => this.#isLeading && mayAct() };
    this.#fleet = new Fleet(fleetParts, this.#functions);
    this.#step = new ScalingStep({ planner, rates, scope }, this.#functions, this.#fleet);
    this.#shortages = new Complaints(logger, {
      begins: 'a function is short of instances',
      ends: 'a function has what it needs again',
    });
    this.#looserSlos = new Complaints(logger, {
      begins: 'a function cannot keep its SLO',
      ends: 'a function can keep its SLO again',
    });
    this.#mismatches = new Complaints(logger, {
      begins: 'a profile table does not match here',
      ends: 'a profile table matches again',
    });
  }

  /** Opens the platform, adopting what still runs; ticking starts with {@link run}. */
  async open(): Promise<void> {
    await this.#parts.platform.open((event) => this.#onEvent(event));
  }

  /**
   * Starts ticking. Functions deployed before keep their adopted instances; those of no function are stopped.
   */
  run(): void {
    if (this.#isLeading) return;
    this.#isLeading = true;
    if (this.#isRunning) this.#takeOver();
    this.#isRunning = true;
    this.#tickSoon();
  }

  /**
   * Leaves to another autoscaler what is started and stopped, at once, even in the middle of a step.
   * Instances are followed and requests are served by them as before; {@link run} takes over again.
   */
  follow(): void {
    this.#isLeading = false;
    this.#isRunning = true;
    this.#step.rest();
    this.#shortages.forget();
    this.#looserSlos.forget();
    this.#mismatches.forget();
    this.#tickSoon();
  }

  get functions(): readonly ManagedFunction[] {
    return [...this.#functions.values()];
  }

  find(name: string): ManagedFunction | undefined {
    return this.#functions.get(name);
  }

  instancesOf(name: string): readonly Instance[] {
    return this.#fleet.of(name);
  }

  /** The latest decisions that changed something for a function, the latest first. */
  decisionsOf(name: string, most?: number): readonly LoggedDecision[] {
    return this.#decisions.of(name, most);
  }

  /** How many instances were started and stopped for which reason. */
  get actionCounts(): readonly ActionCount[] {
    return this.#decisions.counts;
  }

  shortageOf(name: string): Shortage | undefined {
    return this.#step.shortages.find((shortage) => shortage.functionName === name);
  }

  /**
   * What a function is planned for whose own SLO no config keeps that a node can hold; undefined for one that
   * can keep it.
   */
  looserSloMsOf(name: string): number | undefined {
    return this.#step.looserSloMsOf(name, this.#parts.clock.nowMs());
  }

  /**
   * What would be decided for a function now, of which nothing is done.
   *
   * @param change what is asked of it instead of what is seen
   * @throws InflessError FUNCTION_NOT_FOUND
   */
  async consider(
    name: string,
    change: (seen: FunctionDemand) => FunctionDemand = (seen) => seen,
  ): Promise<{ readonly decision: FunctionDecision; readonly input: PlanInput }> {
    return this.considerDeclared(name, (seen) => {
      if (seen === undefined) throw functionNotFound(name);
      return change(seen);
    });
  }

  /**
   * What would be decided if a function were declared, or declared anew, beside all others.
   *
   * @param ask what would be asked of it, by what is asked of the one of this name now
   */
  async considerDeclared(
    name: string,
    ask: (seen: FunctionDemand | undefined) => FunctionDemand,
  ): Promise<{ readonly decision: FunctionDecision; readonly input: PlanInput }> {
    const nodes = await this.#parts.platform.nodes();
    const seen = this.#step.input(nodes, this.#parts.clock.nowMs()); // after waiting: all of one moment
    const asked = ask(seen.demands.find((each) => each.name === name));
    const others = seen.demands.filter((each) => each.name !== name);
    const demands = [...others, asked].sort((a, b) => (a.name < b.name ? -1 : 1));
    const input = { ...seen, demands };
    const decision = this.#step.consider(input).functions.find((each) => each.name === name)!;
    return { decision, input };
  }

  /**
   * @throws InflessError SLO_INFEASIBLE where {@link deploy} would: for who has to know before anything is
   * changed.
   */
  requireDeployable({ spec, maxBatch, profile }: Deployment): void {
    const { name, slo, percentile, limits } = spec;
    const times = new ServiceTimes(profile.table);
    const candidates = times.candidates({ maxBatch, percentile, limits });
    const unlimited = { limits, candidates: times.candidates({ maxBatch, percentile }) };
    requireFeasible(name, candidates, { sloMs: slo, percentile, arrivalCv: 1 }, this.#parts.rates, unlimited);
  }

  /**
   * A function is declared, but cannot be deployed for now: what runs of it is left alone until it is
   * deployed or removed.
   */
  retain(name: string): void {
    this.#fleet.retain(name);
  }

  /**
   * Deploys a function, or replaces one of the same name: its old instances serve until new ones are ready.
   *
   * @throws InflessError SLO_INFEASIBLE with the nearest feasible SLO.
   */
  deploy(declared: Declared): ManagedFunction {
    const { clock, transport, settings } = this.#parts;
    const name = declared.deployment.spec.name;
    this.requireDeployable(declared.deployment);
    const predecessor = this.#functions.get(name);
    const parts = {
      clock,
      transport,
      onInstanceLost: (id: string, reason: string, how: HowLost) =>
        this.#onInstanceLost(name, id, reason, how),
      onBatch: (batch: DispatchedBatch) => this.#onBatch(name, batch),
      onIdle: () => this.#onIdle(name),
      createKeepAlive: this.#parts.createKeepAlive,
    };
    const managed = new ManagedFunction(declared, settings, parts, predecessor);
    this.#tellTable(managed);
    predecessor?.dispatcher.retireTo(managed.dispatcher);
    this.#functions.set(name, managed);
    const runsAlone = this.#unbatchable.get(digestOf(managed));
    if (runsAlone !== undefined) managed.stopBatching(runsAlone);
    this.#fleet.adopt();
    this.#step.enqueue(name);
    this.#refreshDispatcher(managed);
    this.#tickSoon();
    return managed;
  }

  /** Which table it is planned by, and what is wrong with that. */
  #tellTable({ name, deployment }: ManagedFunction): void {
    const { logger } = this.#parts;
    const { file, table } = deployment.profile;
    const grade = gradeText(gradeOf(table));
    logger.info({ function: name, profile: file, grade }, 'a function is planned by its profile table');
    for (const warning of deployment.warnings) logger.warn({ function: name }, warning);
  }

  /** Takes a function away; its instances finish what they run. */
  remove(name: string): void {
    const managed = this.#functions.get(name);
    this.#functions.delete(name);
    this.#step.forget(name);
    this.#decisions.forget(name);
    this.#shortages.forget(name);
    this.#looserSlos.forget(name);
    this.#mismatches.forget(name);
    this.#fleet.abandon(name);
    managed?.dispatcher.refuseUntil(
      Infinity,
      new InflessError('FUNCTION_NOT_FOUND', `Function "${name}" was deleted while this request waited`),
    );
    this.#tickSoon();
  }

  /**
   * Counts an arrival. The first that waits wakes a function without instances at once, not at the next tick.
   *
   * @returns when it was, by which {@link ManagedFunction.withdrawn} knows it
   */
  observeArrival(managed: ManagedFunction): number {
    const nowMs = this.#parts.clock.nowMs();
    const { dispatcher, backoff, name } = managed;
    managed.arrived(nowMs);
    this.#step.arrived(name, nowMs);
    const isCovered = dispatcher.isServing || dispatcher.queued > 0 || !backoff.mayStart(nowMs);
    if (!isCovered && this.instancesOf(name).length === 0) this.#tickSoon();
    return nowMs;
  }

  /** Stops ticking, and leaves the instances for a successor or stops them all. */
  async close(mode: 'leave' | 'stop'): Promise<void> {
    this.#isLeading = false;
    this.#isRunning = false;
    this.#cancelTick?.();
    await this.#ticking;
    await this.#parts.platform.close(mode);
  }

  /** What this one knows from the time it followed is out of date, or was never asked of it. */
  #takeOver(): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const managed of this.#functions.values()) managed.measureAnew(nowMs);
    this.#step.enqueueAll();
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
    if (this.#isLeading) await this.#plan();
    for (const name of this.#fleet.takeQuarantined()) {
      const managed = this.#functions.get(name);
      if (managed !== undefined) this.#refreshDispatcher(managed);
    }
  }

  async #plan(): Promise<void> {
    const { platform, clock } = this.#parts;
    const nodes = await platform.nodes();
    if (!this.#isLeading) return; // another one plans by now
    const nowMs = clock.nowMs(); // after waiting: all that is decided must be of one moment
    const shortBefore = namesOf(this.#step.shortages);
    const decision = this.#step.decide(nodes, nowMs);
    const { planned, shortages } = this.#step;
    if (planned !== undefined && (decision.actions.length > 0 || namesOf(shortages) !== shortBefore))
      this.#parts.onDecision?.(planned, decision, nowMs);
    if (this.#parts.logsDecisions ?? true) this.#tell(decision, nowMs);
    this.#complain(nowMs);
    await this.#apply(decision, nowMs);
  }

  /** One line a function that changes. */
  #tell(decision: ScalingDecision, nowMs: number): void {
    for (const { decision: made, actions } of this.#decisions.note(decision, nowMs)) {
      const { name, constraint } = made;
      const reasons = [...new Set(actions.map(({ reason }) => reason))];
      this.#parts.logger.info({ function: name, reasons, constraint }, changeText(made, actions));
    }
  }

  #complain(nowMs: number): void {
    const { shortages, looserSlosMs } = this.#step;
    this.#shortages.note(
      shortages.map((shortage) => ({
        functionName: shortage.functionName,
        kind: shortageKind(shortage),
        reason: shortageText(shortage),
      })),
      nowMs,
    );
    this.#looserSlos.note(
      [...looserSlosMs].map(([functionName, sloMs]) => ({
        functionName,
        kind: 'late',
        reason: looserSloText(this.#functions.get(functionName)!.deployment.spec, sloMs),
      })),
      nowMs,
    );
    this.#mismatches.note(
      [...this.#functions.values()].flatMap(({ name, tableMismatches }) =>
        tableMismatches.length === 0
          ? []
          : [{ functionName: name, kind: 'table', reason: mismatchText(tableMismatches) }],
      ),
      nowMs,
    );
  }

  async #apply(decision: ScalingDecision, nowMs: number): Promise<void> {
    for (const { id } of stopsOf(decision)) await this.#fleet.stop(id);
    await this.#fleet.stopUnwanted();
    await inParallel(startsOf(decision), MOST_STARTS, async (start) => {
      const managed = this.#functions.get(start.functionName);
      if (managed?.backoff.mayStart(nowMs)) await this.#start(managed, start);
    });
  }

  async #start(managed: ManagedFunction, action: StartAction): Promise<void> {
    try {
      await this.#fleet.start(managed, action);
    } catch (error) {
      const reason = messageOf(error);
      this.#parts.logger.error({ function: managed.name, reason }, 'an instance cannot be started');
      this.#onStartFailed(managed, reason);
    }
  }

  #onEvent(event: InstanceEvent): void {
    const { logger, clock } = this.#parts;
    const { id, functionName, phase, startedAtMs, readyAtMs = clock.nowMs() } = event.instance;
    const managed = this.#functions.get(functionName);
    const neverWorked = this.#fleet.note(event);
    this.#step.enqueue(functionName);
    if (event.type === 'gone') {
      managed?.dispatcher.instanceGone(id, !event.expected);
      if (!event.expected) {
        logger.warn({ function: functionName, instance: id, reason: event.reason }, 'an instance is gone');
        if (neverWorked && managed !== undefined)
          this.#onStartFailed(managed, event.reason, event.publicReason);
      }
    } else if (phase === 'ready') {
      managed?.becameReady(readyAtMs, readyAtMs - startedAtMs);
      logger.info({ function: functionName, instance: id }, 'an instance is ready');
    }
    if (managed !== undefined) this.#refreshDispatcher(managed);
    if (event.type === 'gone') this.#tickSoon();
  }

  /** Requests wait through a failed start, but not for a function that evidently cannot start. */
  #onStartFailed(managed: ManagedFunction, reason: string, publicReason = reason): void {
    const { backoff, dispatcher, name } = managed;
    const nowMs = this.#parts.clock.nowMs();
    backoff.failed(nowMs, reason);
    const serves = this.instancesOf(name).some(({ phase }) => phase === 'ready');
    if (serves || !backoff.failedForGood) return;
    const error = new InflessError(
      'UNAVAILABLE',
      `Instances of function "${name}" cannot start: ${publicReason}`,
      {
        remedy: 'It is tried again from time to time; look at the logs of its instances.',
        details: { retryAfterMs: backoff.retryAtMs - nowMs },
      },
    );
    dispatcher.refuseUntil(backoff.retryAtMs, error);
  }

  #onIdle(functionName: string): void {
    const managed = this.#functions.get(functionName);
    if (managed !== undefined) this.#step.becameIdle(managed, this.#parts.clock.nowMs());
  }

  #onBatch(functionName: string, batch: DispatchedBatch): void {
    this.#fleet.answered(batch.instanceId);
    const managed = this.#functions.get(functionName);
    const startedAtMs = this.#fleet.find(batch.instanceId)?.startedAtMs;
    if (startedAtMs !== undefined) managed?.backoff.answered(startedAtMs);
    if (managed?.hasNewTimes) this.#step.enqueue(functionName);
    if (managed !== undefined && batch.ranAlone !== undefined) {
      this.#onRanAlone(managed, batch.instanceId, batch.ranAlone);
    }
    this.#parts.onBatch?.(functionName, batch);
  }

  /** It holds for the model, so for every function that has it. */
  #onRanAlone(managed: ManagedFunction, instance: string, reason: string): void {
    const { name, deployment } = managed;
    const version = this.instancesOf(name).find(({ id }) => id === instance)?.version;
    if (version !== deployment.workload.version) return; // an older deployment may have had another model
    const digest = digestOf(managed);
    if (this.#unbatchable.has(digest)) return;
    this.#unbatchable.set(digest, reason);
    this.#parts.logger.warn(
      { function: name, instance, model: digest, reason },
      'requests of this model cannot share runs; it is planned with batches of one from now on',
    );
    for (const each of this.#functions.values()) {
      if (digestOf(each) !== digest) continue;
      each.stopBatching(reason);
      this.#step.enqueue(each.name);
    }
  }

  #onInstanceLost(functionName: string, id: string, reason: string, how: HowLost): void {
    const { logger } = this.#parts;
    logger.warn({ function: functionName, instance: id, reason }, 'an instance failed a batch');
    this.#fleet.failedBatch(functionName, id, how);
  }

  #refreshDispatcher(managed: ManagedFunction): void {
    managed.dispatcher.setInstances(this.#fleet.serving(managed.name));
  }
}

function namesOf(shortages: readonly Shortage[]): string {
  return shortages.map(({ functionName }) => functionName).join(' ');
}

function digestOf({ deployment }: ManagedFunction): string {
  return deployment.model.manifest.digest;
}
