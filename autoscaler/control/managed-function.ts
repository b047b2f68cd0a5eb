import type { Clock } from '../../models/base/clock.ts';
import type { Resources } from '../../models/base/resources.ts';
import { tabulatedRequestCost } from '../../profiles/capacity/batch-time.ts';
import type { Config } from '../../profiles/config.ts';
import { type ProfileView, viewOf } from '../../profiles/lookup.ts';
import { relativeError } from '../../profiles/statistics.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { DemandEstimator, type DemandHorizon, type DemandSnapshot } from '../demand/demand-estimator.ts';
import { Idleness } from '../demand/keepalive/idleness.ts';
import { createKeepAlivePolicy, type KeepAlivePolicyName } from '../demand/keepalive/policies.ts';
import type { KeepAlivePolicy } from '../demand/keepalive/policy.ts';
import { type DispatchedBatch, Dispatcher, type HowLost } from '../dispatch/dispatcher.ts';
import type { BatchTransport } from '../dispatch/transport.ts';
import type { FleetFunction } from '../fleet/cluster-snapshot.ts';
import { StartBackoff } from '../fleet/start-backoff.ts';
import type { Deployment, Workload } from '../functions/deployment.ts';
import type { Origin } from '../functions/function-store.ts';
import type { Declared, DeployedFunction } from '../functions/registry.ts';
import type { FunctionDeclaration, FunctionSpec } from '../functions/spec.ts';
import type { Candidate } from '../latency/candidate.ts';
import { LatencyWindow } from '../latency/latency-window.ts';
import { ObservedTimes } from '../latency/observed-times.ts';
import { type Choice, ServiceTimes } from '../latency/service-times.ts';
import { mismatchText, type TableMismatch, TableWatch } from '../latency/table-watch.ts';
import type { ExcludedConfig } from '../planning/decision.ts';
import type { ControlSettings } from './settings.ts';

const MEASURE_AGAIN =
  'Measure such cells again with infless-profile MODEL --refresh and the address of this status, unless requests have several rows.';
/** Of a rate that was higher only just now, less than this is chance. */
const SHORTEST_MEMORY_MS = 15_000;

/**
 * Makes the policy that decides when one function is worth an instance while nothing is asked of it.
 *
 * @param declared what the function declares
 * @param keepAliveMs the idle time that it declares, see {@link createKeepAlivePolicy}
 */
export type KeepAliveFactory = (
  functionName: string,
  declared: KeepAlivePolicyName,
  keepAliveMs: number,
) => KeepAlivePolicy;

const byName: KeepAliveFactory = (_, declared, keepAliveMs) => createKeepAlivePolicy(declared, keepAliveMs);

/**
 * The demand as the planner sees it: none, whatever came before, once its keep-alive policy finds an instance
 * not worth keeping.
 */
export interface SeenDemand extends DemandSnapshot {
  readonly idle: boolean;
}

/** One deployed function at run time: what was declared, what is measured, and its queue. */
export class ManagedFunction implements DeployedFunction, FleetFunction {
  readonly name: string;
  readonly origin: Origin;
  /** When the first function of its name was declared, in ms since the epoch. */
  readonly createdAtMs: number;
  readonly declaration: FunctionDeclaration;
  readonly deployment: Deployment;
  readonly times: ServiceTimes;
  readonly dispatcher: Dispatcher;
  readonly backoff = new StartBackoff();
  readonly latencies: LatencyWindow;
  readonly #observed: ObservedTimes;
  #demand: DemandEstimator;
  #idleness: Idleness;
  readonly #createKeepAlive: KeepAliveFactory;
  readonly #tickMs: number;
  readonly #mostHeadroom: number;
  readonly #scaleInAfterStarts: number;
  /**
   * How far ahead instances have to be ordered: by the table at first, then as seen; a slow start is
   * forgotten slowly.
   */
  #startupMs: number;
  #candidates: readonly Candidate[] | undefined;
  #excluded: readonly ExcludedConfig[] | undefined;
  /** Of what was observed, when the candidates were made. */
  #candidatesVersion = 0;
  /** Why its requests cannot share runs, if they turned out not to. */
  #runsAlone: string | undefined;

  /** @param predecessor the deployment this one replaces: what was measured of it stays known */
  constructor(
    declared: Declared,
    settings: ControlSettings,
    parts: {
      clock: Clock;
      transport: BatchTransport;
      onInstanceLost: (id: string, reason: string, how: HowLost) => void;
      onBatch: (batch: DispatchedBatch) => void;
      /** Told when it becomes idle. */
      onIdle: () => void;
      /** Default: the policy that it declares. */
      createKeepAlive?: KeepAliveFactory | undefined;
    },
    predecessor?: ManagedFunction,
  ) {
    const { spec, profile } = declared.deployment;
    this.name = spec.name;
    this.origin = declared.origin;
    this.declaration = declared.declaration;
    this.deployment = declared.deployment;
    const nowMs = parts.clock.nowMs();
    this.createdAtMs = declared.createdAtMs ?? predecessor?.createdAtMs ?? nowMs;
    this.#tickMs = settings.tickMs;
    this.#mostHeadroom = settings.headroom;
    this.#scaleInAfterStarts = settings.scaleInAfterStarts;
    this.#createKeepAlive = parts.createKeepAlive ?? byName;
    this.#idleness = predecessor?.idlenessFor(spec) ?? newIdleness(spec, this.#createKeepAlive, nowMs);
    this.#demand = predecessor?.demand ?? newDemand(spec, nowMs);
    this.latencies = predecessor?.latencies ?? new LatencyWindow();
    const view = viewOf(profile.table);
    const now = (): number => parts.clock.nowMs();
    const observed =
      predecessor?.observedWith(profile.table) ??
      new ObservedTimes(
        (config) => tabulatedRequestCost(view, config),
        (config) => new TableWatch({ config, relativeError: errorOf(view, config), nowMs: now }),
      );
    this.#observed = observed;
    this.times = new ServiceTimes(profile.table, (config) => observed.of(config));
    const startups = this.times.view.configs().map((config) => this.times.view.startupMs(config));
    this.#startupMs = predecessor?.startupMs ?? Math.min(...startups);
    const drained = (): void => {
      if (this.#idleness.drained(parts.clock.nowMs(), this.dispatcher.isServing)) parts.onIdle();
    };
    this.dispatcher = new Dispatcher(
      {
        functionName: spec.name,
        sloMs: spec.slo,
        percentile: spec.percentile,
        latePolicy: spec.late,
        maxWaitMs: spec.maxWait,
        queueLimit: settings.queueLimit,
      },
      { ...parts, times: this.times, observed, onDrained: drained },
    );
  }

  get workload(): Workload {
    return this.deployment.workload;
  }

  resources(config: Config): Resources {
    return this.times.view.resources(config);
  }

  get demand(): DemandEstimator {
    return this.#demand;
  }

  get startupMs(): number {
    return this.#startupMs;
  }

  /** The configs it may run in; the same list until running shows other times. */
  candidates(): readonly Candidate[] {
    if (this.#candidates === undefined || this.hasNewTimes) {
      this.#candidates = this.times.candidates(this.#choice);
      this.#candidatesVersion = this.#observed.version;
    }
    return this.#candidates;
  }

  /** Configs of its table that its limits rule out. */
  get excluded(): readonly ExcludedConfig[] {
    this.#excluded ??= this.times.excluded(this.#choice);
    return this.#excluded;
  }

  get #choice(): Choice {
    const { maxBatch, spec } = this.deployment;
    const { percentile, limits } = spec;
    return { maxBatch, percentile, limits, alone: this.#runsAlone !== undefined };
  }

  /** The same as they will be then, should nothing run until then; nothing changes. */
  candidatesAt(nowMs: number): readonly Candidate[] {
    const observed = this.#observed.fadedTo(nowMs);
    if (observed === this.#observed) return this.candidates();
    const times = new ServiceTimes(this.times.view.table, (config) => observed.of(config));
    return times.candidates(this.#choice);
  }

  /** Whether running has shown other times since the candidates were asked for. */
  get hasNewTimes(): boolean {
    return this.#candidatesVersion !== this.#observed.version;
  }

  /** From now on, each request is a batch of its own, and it is planned so. @param reason what showed it */
  stopBatching(reason: string): void {
    this.#runsAlone = reason;
    this.#candidates = undefined;
    this.#excluded = undefined;
    this.dispatcher.stopBatching();
  }

  /** What its owner should know, although it runs. */
  get warnings(): readonly string[] {
    const { warnings } = this.deployment;
    const mismatches = this.tableMismatches;
    return [
      ...warnings,
      ...(this.#runsAlone === undefined
        ? []
        : [`Requests run one by one, although the model was taken to batch: ${this.#runsAlone}.`]),
      ...(mismatches.length === 0 ? [] : [`${mismatchText(mismatches)} ${MEASURE_AGAIN}`]),
    ];
  }

  /** Cells of its table that running stays away from. */
  get tableMismatches(): readonly TableMismatch[] {
    const { view } = this.times;
    return this.#observed.mismatches.filter(({ config }) => view.cell(config) !== undefined);
  }

  /** What running has shown, if that was against the same table. */
  observedWith(table: ProfileTable): ObservedTimes | undefined {
    const own = this.deployment.profile.table;
    const isSame = own.createdAt === table.createdAt && own.model.digest === table.model.digest;
    return isSame ? this.#observed : undefined;
  }

  /**
   * Capacity over the expected rate: the most there may be until it is known how far batches are from their
   * table.
   */
  get headroom(): number {
    return Math.min(this.#mostHeadroom, 1 + (this.#observed.doubt ?? Infinity));
  }

  /** What is known of its idle times, if the same policy must go on with it. */
  idlenessFor(spec: FunctionSpec): Idleness | undefined {
    const { policy, idle } = this.deployment.spec.scale;
    return policy === spec.scale.policy && idle === spec.scale.idle ? this.#idleness : undefined;
  }

  /**
   * Forgets what was asked of it: for long it was another autoscaler that was asked. What runs is kept until
   * it is known what it is needed for, as after a restart.
   */
  measureAnew(nowMs: number): void {
    const { spec } = this.deployment;
    this.#demand = newDemand(spec, nowMs);
    this.#idleness = newIdleness(spec, this.#createKeepAlive, nowMs);
  }

  /** Counts an arrival. */
  arrived(nowMs: number): void {
    this.#demand.observe(nowMs);
    this.#idleness.arrived(nowMs, this.#leadMs);
  }

  /** Takes an arrival of then out of the demand. */
  withdrawn(arrivalMs: number): void {
    this.#demand.withdraw(arrivalMs);
  }

  /** An instance has become ready: how long that took tells of the next ones. */
  becameReady(nowMs: number, startupMs: number): void {
    this.backoff.ready(nowMs - startupMs);
    this.#idleness.becameReady(nowMs);
    this.#startupMs = Math.max(startupMs, (this.#startupMs + startupMs) / 2);
  }

  /** Looks at what has come until now, and learns from it: for the loop alone. */
  advanceTo(nowMs: number): SeenDemand {
    this.#observed.fade(nowMs);
    return this.#planned(this.#demand.advanceTo(nowMs, this.#horizon), nowMs);
  }

  /** What {@link advanceTo} would return; nothing changes. */
  seenAt(nowMs: number): SeenDemand {
    return this.#planned(this.#demand.at(nowMs, this.#horizon), nowMs);
  }

  get #horizon(): DemandHorizon {
    return { leadMs: this.#leadMs, memoryMs: this.#memoryMs };
  }

  #planned(seen: DemandSnapshot, nowMs: number): SeenDemand {
    const { queued, inFlight } = this.dispatcher;
    const idle = queued + inFlight === 0 && !this.isHeld(nowMs);
    if (idle) return { ...seen, idle, ratePerSecond: 0, recentRatePerSecond: 0 };
    const ratePerSecond = Math.max(seen.ratePerSecond, this.#heldUpPerSecond);
    const recentRatePerSecond = Math.max(seen.recentRatePerSecond, this.#heldUpPerSecond);
    return { ...seen, idle, ratePerSecond, recentRatePerSecond };
  }

  /** What waits for a first instance has to be answered while it waits, however long ago it came. */
  get #heldUpPerSecond(): number {
    const { isServing, queued } = this.dispatcher;
    return isServing ? 0 : (queued * 1000) / this.deployment.spec.maxWait;
  }

  /** Whether it is worth an instance while nothing is asked of it. */
  isHeld(nowMs: number): boolean {
    return this.#idleness.isHeld(nowMs, this.#leadMs);
  }

  /** When {@link isHeld} may say something else although nothing happens. */
  idlenessChangesAtMs(nowMs: number): number {
    return this.#idleness.changesAtMs(nowMs, this.#leadMs);
  }

  /** What starts quickly is given up soon. */
  get #memoryMs(): number {
    return Math.max(SHORTEST_MEMORY_MS, this.#scaleInAfterStarts * this.#startupMs);
  }

  /** From the moment an instance is worth starting until it is ready: the loop may look a step too late. */
  get #leadMs(): number {
    return this.#startupMs + this.#tickMs;
  }
}

function newDemand({ percentile }: FunctionSpec, sinceMs: number): DemandEstimator {
  return new DemandEstimator({ sinceMs, percentile });
}

function newIdleness({ name, scale }: FunctionSpec, create: KeepAliveFactory, nowMs: number): Idleness {
  return new Idleness(create(name, scale.policy, scale.idle), scale.idle, nowMs);
}

/** How well the table knows a mean, as a share of it. */
function errorOf(view: ProfileView, config: Config): number {
  const cell = view.cell(config);
  return cell === undefined ? 0 : relativeError(cell.latencyMs);
}
