import type { BatchTiming } from '../../packager/server/instance-protocol.ts';
import {
  DEFAULT_TRANSPORT_MS,
  NO_COST,
  type Observation,
  type RequestCost,
  SLOWDOWN_STEP,
  STEP_REACH,
} from '../../profiles/capacity/batch-time.ts';
import { type Config, configKey } from '../../profiles/config.ts';
import type { TableMismatch, TableWatch } from './table-watch.ts';

/** Batches before measurements speak: first ones run on cold caches. */
const FEWEST_BATCHES = 20;
/** A memory of so many batches: the newest weighs one in so many. */
const MEMORY = 50;
const WEIGHT = 1 / MEMORY;
/**
 * While nothing runs, what was seen counts half as much after so long. What makes a host slow for a while,
 * its neighbours mostly, comes and goes within minutes, and a table that is wrong for good is found out again
 * within some twenty batches.
 */
const HALF_LIFE_MS = 10 * 60_000;
/**
 * Drift, a neighbour's burst, or requests of several rows may shift times this far; beyond it lies a fault.
 */
const SLOWEST = 16;
const FASTEST = 0.5;

/**
 * Learns how far running differs from the table, per config, as running means; a config that has not run
 * enough is believed to be as slow as the others were found to be, never quicker than its table says.
 * Corrections are handed out in steps that hold against noise, so that it does not move the plan.
 *
 * What was learnt lasts as long as instances run, and would show otherwise. While none does, it fades.
 */
export class ObservedTimes {
  readonly #tabulated: (config: Config) => RequestCost;
  readonly #watch: ((config: Config) => TableWatch) | undefined;
  readonly #byConfig = new Map<string, RunningMeans>();
  /**
   * The same by the objects that stand for configs: making a key for every batch takes longer than all the
   * rest.
   */
  #byObject = new WeakMap<Config, RunningMeans>();
  #all = new RunningMeans(NO_COST);
  #version = 0;
  /** Until when it has faded; undefined while instances run. */
  #fadedUntilMs: number | undefined;

  /**
   * @param tabulated what the table says of a row beside running it
   * @param watch makes what tells where the table is wrong; default: nothing does
   */
  constructor(tabulated: (config: Config) => RequestCost, watch?: (config: Config) => TableWatch) {
    this.#tabulated = tabulated;
    this.#watch = watch;
  }

  /** Another number whenever {@link of} may answer differently than before. */
  get version(): number {
    return this.#version;
  }

  /**
   * @param requests how many the batch was made of: what a request costs is learnt, however many rows it
   * carries
   * @param tabulatedMs mean execution time of as many rows, by the table
   */
  record(
    config: Config,
    requests: number,
    timing: BatchTiming,
    roundTripMs: number,
    tabulatedMs: number,
  ): void {
    const means = this.#meansOf(config);
    means.watch?.add(timing.executeMs, tabulatedMs);
    const elsewhereMs = roundTripMs - requests * means.tabulated.transferMs;
    const hasMoved = means.add(requests, timing, elsewhereMs, tabulatedMs);
    const haveAllMoved = this.#all.add(requests, timing, elsewhereMs, tabulatedMs);
    if (hasMoved || haveAllMoved) this.#version += 1;
  }

  /** From now on instances run, and show how long batches take. */
  hold(nowMs: number): void {
    this.fade(nowMs);
    this.#fadedUntilMs = undefined;
  }

  /** From now on nothing runs. */
  release(nowMs: number): void {
    this.#fadedUntilMs ??= nowMs;
  }

  /** Lets what was learnt fade until now, if nothing runs. Told twice it fades no more than once. */
  fade(nowMs: number): void {
    const sinceMs = this.#fadedUntilMs;
    if (sinceMs === undefined || nowMs <= sinceMs) return;
    this.#fadedUntilMs = nowMs;
    const share = 2 ** ((sinceMs - nowMs) / HALF_LIFE_MS);
    const hasMoved = [this.#all, ...this.#byConfig.values()].map((means) => means.fade(share));
    if (hasMoved.includes(true)) this.#version += 1;
    if (this.#all.isForgotten) this.#forget();
  }

  /** What would be left then of what was learnt; nothing changes here. */
  fadedTo(nowMs: number): ObservedTimes {
    const sinceMs = this.#fadedUntilMs;
    if (sinceMs === undefined || nowMs <= sinceMs) return this;
    const copy = new ObservedTimes(this.#tabulated);
    copy.#all = this.#all.copy();
    for (const [key, means] of this.#byConfig) copy.#byConfig.set(key, means.copy());
    copy.#fadedUntilMs = sinceMs;
    copy.fade(nowMs);
    return copy;
  }

  /** As if nothing had ever run: no batch is worth one any more. */
  #forget(): void {
    if (this.#byConfig.size === 0) return;
    this.#byConfig.clear();
    this.#byObject = new WeakMap();
    this.#all = new RunningMeans(NO_COST);
    this.#version += 1;
  }

  /**
   * How far times of batches are from what is made of them here, as a share: 0.1 where they scatter by ten
   * percent around what the table, corrected, says of them. Undefined until enough batches have run.
   */
  get doubt(): number | undefined {
    return this.#all.doubt;
  }

  /** Where the table stays wrong. */
  get mismatches(): readonly TableMismatch[] {
    return [...this.#byConfig.values()].flatMap(({ watch }) => watch?.mismatch ?? []);
  }

  /** Undefined until enough batches have run. */
  of(config: Config): Observation | undefined {
    return this.#byConfig.get(configKey(config))?.observation ?? this.#all.guess;
  }

  #meansOf(config: Config): RunningMeans {
    let means = this.#byObject.get(config);
    if (means === undefined) {
      const key = configKey(config);
      means = this.#byConfig.get(key) ?? new RunningMeans(this.#tabulated(config), this.#watch?.(config));
      this.#byConfig.set(key, means);
      this.#byObject.set(config, means);
    }
    return means;
  }
}

/** What one config's batches took, or those of all configs together. */
class RunningMeans {
  readonly tabulated: RequestCost;
  readonly watch: TableWatch | undefined;
  /** How many speak. Those of which a while without any is left count less than one each. */
  #batches = 0;
  #executeMs = 0;
  #tabulatedMs = 0;
  #codecMsPerRequest = 0;
  #transportMs = 0;
  #distance = 0;
  #slowdownStep = new Step(SLOWDOWN_STEP);
  #codecStep = new Step(0.1);
  #transportStep = new Step(0.5);
  #observation: Observation | undefined;
  #guess: Observation | undefined;

  constructor(tabulated: RequestCost, watch?: TableWatch) {
    this.tabulated = tabulated;
    this.watch = watch;
  }

  copy(): RunningMeans {
    const copy = new RunningMeans(this.tabulated);
    copy.#batches = this.#batches;
    copy.#executeMs = this.#executeMs;
    copy.#tabulatedMs = this.#tabulatedMs;
    copy.#codecMsPerRequest = this.#codecMsPerRequest;
    copy.#transportMs = this.#transportMs;
    copy.#distance = this.#distance;
    copy.#slowdownStep = this.#slowdownStep.copy();
    copy.#codecStep = this.#codecStep.copy();
    copy.#transportStep = this.#transportStep.copy();
    copy.#observation = this.#observation;
    copy.#guess = this.#guess;
    return copy;
  }

  /** What these batches say of their own config. */
  get observation(): Observation | undefined {
    return this.#observation;
  }

  /** Mean distance of a batch from what these batches say of it, as a share. */
  get doubt(): number | undefined {
    return this.#batches < FEWEST_BATCHES ? undefined : this.#distance;
  }

  /** What they say of another config: its own codec times stay those of its table. */
  get guess(): Observation | undefined {
    return this.#guess;
  }

  /**
   * Returns whether what is concluded from the means has changed.
   *
   * @param roundTripMs without what the table says of the rows' way
   */
  add(requests: number, timing: BatchTiming, roundTripMs: number, tabulatedMs: number): boolean {
    this.#batches += 1;
    const weight = Math.max(WEIGHT, 1 / this.#batches); // a plain mean at first
    const codecMs = timing.decodeMs + timing.encodeMs;
    const believedMs = tabulatedMs * (this.#observation?.slowdown ?? 1);
    const distance = Math.min(1, Math.abs(timing.executeMs / believedMs - 1));
    this.#distance += weight * (distance - this.#distance);
    // Times are averaged, not their ratios: a quota throttles some batches much and others not at all.
    this.#executeMs += weight * (Math.min(timing.executeMs, SLOWEST * tabulatedMs) - this.#executeMs);
    this.#tabulatedMs += weight * (tabulatedMs - this.#tabulatedMs);
    this.#codecMsPerRequest += weight * (codecMs / Math.max(1, requests) - this.#codecMsPerRequest);
    const transportMs = Math.max(0, roundTripMs - timing.executeMs - codecMs);
    this.#transportMs += weight * (transportMs - this.#transportMs);
    return this.#batches >= FEWEST_BATCHES && this.#conclude();
  }

  /**
   * Leaves a share of what was seen, beside what is believed without. The next batches then weigh more.
   *
   * @returns whether what is concluded has changed
   */
  fade(share: number): boolean {
    const towards = (believed: number, seen: number): number => believed + share * (seen - believed);
    this.#batches = Math.min(this.#batches, MEMORY) * share;
    this.#executeMs = towards(this.#tabulatedMs, this.#executeMs);
    this.#codecMsPerRequest = towards(this.tabulated.codecMs, this.#codecMsPerRequest);
    this.#transportMs = towards(this.tabulated.transportMs ?? DEFAULT_TRANSPORT_MS, this.#transportMs);
    return this.#observation !== undefined && this.#conclude();
  }

  get isForgotten(): boolean {
    return this.#batches < 1;
  }

  #conclude(): boolean {
    const hasTimeMoved = this.#slowdownStep.follow(Math.max(FASTEST, this.#executeMs / this.#tabulatedMs));
    const hasCodecMoved = this.#codecStep.follow(this.#codecMsPerRequest);
    const hasTransportMoved = this.#transportStep.follow(this.#transportMs);
    if (!hasTimeMoved && !hasCodecMoved && !hasTransportMoved) return false;
    const transportMs = this.#transportStep.value;
    this.#observation = {
      slowdown: this.#slowdownStep.value,
      codecMsPerRequest: this.#codecStep.value,
      transportMs,
    };
    this.#guess = { slowdown: Math.max(1, this.#slowdownStep.value), transportMs };
    return true;
  }
}

/** A value in whole steps; it follows only when what it stands for has clearly left the present one. */
class Step {
  readonly #size: number;
  #value = Number.NaN;

  constructor(size: number) {
    this.#size = size;
  }

  get value(): number {
    return this.#value;
  }

  copy(): Step {
    const copy = new Step(this.#size);
    copy.#value = this.#value;
    return copy;
  }

  /** Returns whether it moved. */
  follow(target: number): boolean {
    if (Math.abs(target - this.#value) <= STEP_REACH * this.#size) return false;
    const value = Math.round(target / this.#size) * this.#size;
    const hasMoved = value !== this.#value;
    this.#value = value;
    return hasMoved;
  }
}
