import type { Cancel, Clock } from '../../../models/base/clock.ts';
import { amountsOf } from '../../../models/base/resources.ts';
import type { Instance, InstancePhase } from '../../cluster/instance.ts';
import type { InstanceUsage, StartRequest } from '../../fleet/platform.ts';
import type { Holding } from './node-resources.ts';

/** Where an instance answers: this, and its id. */
const SIMULATED_URL = 'simulated://';

/** How the start of an instance goes: ready after a while or, where `failure` says why, never. */
export interface StartUp {
  readonly afterMs: number;
  readonly failure?: string;
}

/** What an instance tells its cluster. */
export interface InstanceWatcher {
  changed(instance: SimulatedInstance): void;
  gone(instance: SimulatedInstance, expected: boolean, reason: string): void;
}

interface Work {
  readonly cancel: Cancel;
  readonly fail: (error: Error) => void;
}

/**
 * One instance: time passes in it, nothing else happens. Work given to it is done one piece after the other.
 */
export class SimulatedInstance {
  readonly holding: Holding;
  /** Where it answers once it is ready. */
  readonly url: string;
  /** Resolves when it is gone. */
  readonly finished: Promise<void>;
  readonly #request: StartRequest;
  readonly #clock: Clock;
  readonly #watcher: InstanceWatcher;
  readonly #startedAtMs: number;
  readonly #works = new Set<Work>();
  readonly #timers: Cancel[] = [];
  #phase: InstancePhase = 'starting';
  #readyAtMs: number | undefined;
  #busyUntilMs = 0;
  #workedMs = 0;
  #isGone = false;
  #view: Instance | undefined;
  #finish: () => void = () => {};

  constructor(
    request: StartRequest,
    holding: Holding,
    startUp: StartUp,
    clock: Clock,
    watcher: InstanceWatcher,
  ) {
    this.#request = request;
    this.holding = holding;
    this.url = `${SIMULATED_URL}${request.id}`;
    this.#clock = clock;
    this.#watcher = watcher;
    this.#startedAtMs = clock.nowMs();
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#after(startUp.afterMs, () => this.#endStart(startUp.failure));
  }

  /** The same object until its phase changes: a controller looks at all instances over and over. */
  get view(): Instance {
    if (this.#view?.phase !== this.#phase) this.#view = this.#look();
    return this.#view!;
  }

  #look(): Instance {
    const { id, functionName, config, node, workload } = this.#request;
    const { gpu } = this.holding;
    return {
      id,
      functionName,
      version: workload.version,
      config,
      node,
      ...(gpu === undefined ? {} : { gpu }),
      phase: this.#phase,
      url: this.#readyAtMs === undefined ? undefined : this.url,
      startedAtMs: this.#startedAtMs,
      readyAtMs: this.#readyAtMs,
    };
  }

  /** Starting, and all work done, at its full quota. */
  get usage(): InstanceUsage {
    const startingMs = (this.#readyAtMs ?? this.#clock.nowMs()) - this.#startedAtMs;
    const { cpuMillicores, memoryBytes } = amountsOf(this.holding.needs);
    return { cpuMs: (startingMs + this.#workedMs) * (cpuMillicores / 1000), memoryBytes };
  }

  /** Keeps it busy for `durationMs`, after what it has to do already. Rejects when it is gone before. */
  work(durationMs: number): Promise<void> {
    if (this.#phase !== 'ready') return Promise.reject(new Error(`instance is ${this.#phase}`));
    const nowMs = this.#clock.nowMs();
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + durationMs;
    return new Promise((resolve, fail) => {
      const cancel = this.#clock.at(this.#busyUntilMs, () => {
        this.#works.delete(work);
        this.#workedMs += durationMs;
        resolve();
        if (this.#phase === 'draining' && this.#works.size === 0) this.#stopped('it was stopped');
      });
      const work: Work = { cancel, fail };
      this.#works.add(work);
    });
  }

  stop(graceMs: number): void {
    if (this.#isGone || this.#phase === 'draining') return;
    this.#phase = 'draining';
    this.#watcher.changed(this);
    const killed = `it was stopped, and killed when it was not done after ${graceMs} ms`;
    if (this.#works.size > 0) this.#after(graceMs, () => this.#stopped(killed));
    else this.#after(0, () => this.#stopped('it was stopped'));
  }

  /** Ends it at once, and what it was doing with it. */
  crash(reason: string): void {
    this.#end(false, reason);
  }

  #endStart(failure: string | undefined): void {
    if (this.#phase !== 'starting') return;
    if (failure !== undefined) {
      this.#end(false, failure);
      return;
    }
    this.#phase = 'ready';
    this.#readyAtMs = this.#clock.nowMs();
    this.#watcher.changed(this);
  }

  #stopped(reason: string): void {
    this.#end(true, reason);
  }

  #end(expected: boolean, reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const cancel of this.#timers) cancel();
    for (const { cancel, fail } of this.#works) {
      cancel();
      fail(new Error(`instance is gone: ${reason}`));
    }
    this.#works.clear();
    this.#watcher.gone(this, expected, reason);
    this.#finish();
  }

  #after(delayMs: number, action: () => void): void {
    this.#timers.push(this.#clock.at(this.#clock.nowMs() + delayMs, action));
  }
}
