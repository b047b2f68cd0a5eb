import { pino } from 'pino';
import { ApiError } from '../../../../autoscaler/kubernetes/api-errors.ts';
import { DEFAULT_ELECTION_SETTINGS } from '../../../../autoscaler/kubernetes/leadership/election.ts';
import { Leadership, type LeaseAccess } from '../../../../autoscaler/kubernetes/leadership/leadership.ts';
import type { Lease } from '../../../../autoscaler/kubernetes/leadership/lease.ts';
import type { Clock } from '../../../../models/base/clock.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';

/** What becomes of one message between a candidate and the API server. */
export interface Passage {
  readonly requestMs: number;
  readonly answerMs: number;
  readonly lost?: 'request' | 'answer';
}

export interface CandidateOptions {
  /** Of its clock against true time; default 1. */
  readonly clockRate?: number;
  readonly clockOffsetMs?: number;
}

const AT_ONCE: Passage = { requestMs: 1, answerMs: 1 };

/**
 * A lease on a server in virtual time, and candidates that reach it over a network that a test decides on.
 */
export class LeaseWorld {
  readonly clock = new VirtualClock(1_000_000);
  /** True at a candidate's end of the network: what must happen to its next message. */
  passage: () => Passage = () => AT_ONCE;
  readonly #listeners = new Set<(lease: Lease | undefined) => void>();
  #lease: Lease | undefined;
  #version = 0;

  get lease(): Lease | undefined {
    return this.#lease;
  }

  join(identity: string, options: CandidateOptions = {}): TestCandidate {
    return new TestCandidate(this, identity, options);
  }

  /** As the API server does it: a version each, and no write in place of another than the latest. */
  write(lease: Lease, isNew: boolean): Lease {
    const wanted = lease.metadata?.resourceVersion;
    if (isNew && this.#lease !== undefined) throw new ApiError(409, 'it exists', { reason: 'AlreadyExists' });
    if (!isNew && wanted !== this.#lease?.metadata?.resourceVersion)
      throw new ApiError(409, 'it was modified', { reason: 'Conflict' });
    this.#version += 1;
    this.#lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.#version) } };
    this.#tell();
    return this.#lease;
  }

  remove(): void {
    this.#lease = undefined;
    this.#tell();
  }

  onChange(listener: (lease: Lease | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener(this.#lease);
  }
}

/** One autoscaler's part in the election, with a clock of its own. */
export class TestCandidate {
  readonly identity: string;
  readonly leadership: Leadership;
  /** What it was told, in order. */
  readonly turns: boolean[] = [];
  readonly #world: LeaseWorld;
  readonly #clock: FreezableClock;

  constructor(world: LeaseWorld, identity: string, { clockRate = 1, clockOffsetMs = 0 }: CandidateOptions) {
    this.identity = identity;
    this.#world = world;
    this.#clock = new FreezableClock(world.clock, clockRate, clockOffsetMs);
    this.leadership = new Leadership({
      leaseName: 'autoscaler',
      candidate: { identity, gatewayUrl: `http://${identity}` },
      lease: this.#access(),
      clock: this.#clock,
      logger: pino({ level: 'silent' }),
      onChange: (isLeader) => this.turns.push(isLeader),
      settings: DEFAULT_ELECTION_SETTINGS,
      random: () => 0.5,
    });
    this.leadership.start();
  }

  get isLeader(): boolean {
    return this.leadership.isLeader;
  }

  /** As when its machine is stopped for a while: nothing of it runs, but time does. */
  freeze(durationMs: number): void {
    this.#clock.freeze(durationMs);
  }

  /** It never does anything again. */
  crash(): void {
    this.freeze(Infinity);
  }

  #access(): LeaseAccess {
    const world = this.#world;
    return {
      get: () => this.#exchange(() => world.lease),
      create: (lease) => this.#exchange(() => world.write(lease, true)),
      replace: (lease) => this.#exchange(() => world.write(lease, false)),
      onChange: (listener) => {
        let lastAtMs = 0; // news overtake no news
        return world.onChange((lease) => {
          lastAtMs = Math.max(lastAtMs, world.clock.nowMs() + world.passage().answerMs);
          world.clock.at(lastAtMs, () => this.#clock.whenAwake(() => listener(lease)));
        });
      },
    };
  }

  #exchange<T>(work: () => T): Promise<T> {
    const { clock, passage } = this.#world;
    const { requestMs, answerMs, lost } = passage();
    return new Promise((resolve, reject) => {
      if (lost === 'request') return;
      clock.at(clock.nowMs() + requestMs, () => {
        const settle = this.#done(work, resolve, reject);
        if (lost !== 'answer') clock.at(clock.nowMs() + answerMs, () => this.#clock.whenAwake(settle));
      });
    });
  }

  /** Does the work now; its outcome is told by calling what is returned. */
  #done<T>(work: () => T, resolve: (value: T) => void, reject: (reason: unknown) => void): () => void {
    try {
      const result = work();
      return () => resolve(result);
    } catch (error) {
      return () => reject(error);
    }
  }
}

/** So that no timer fires a rounding error too early. */
const ROUNDING_MS = 1e-3;

/** A clock that runs at another speed than true time, and whose timers stand still while its owner does. */
class FreezableClock implements Clock {
  readonly #true: VirtualClock;
  readonly #rate: number;
  readonly #startMs: number;
  readonly #offsetMs: number;
  #frozenUntilMs = -Infinity;

  constructor(trueClock: VirtualClock, rate: number, offsetMs: number) {
    this.#true = trueClock;
    this.#rate = rate;
    this.#startMs = trueClock.nowMs();
    this.#offsetMs = offsetMs;
  }

  nowMs(): number {
    return this.#startMs + this.#offsetMs + (this.#true.nowMs() - this.#startMs) * this.#rate;
  }

  at(atMs: number, callback: () => void): () => void {
    let isCancelled = false;
    const trueAtMs = this.#startMs + (atMs - this.#offsetMs - this.#startMs) / this.#rate + ROUNDING_MS;
    const cancel = this.#true.at(trueAtMs, () => this.whenAwake(() => !isCancelled && callback()));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  freeze(durationMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#true.nowMs() + durationMs);
  }

  whenAwake(callback: () => void): void {
    if (this.#frozenUntilMs === Infinity) return;
    if (this.#true.nowMs() < this.#frozenUntilMs)
      this.#true.at(this.#frozenUntilMs, () => this.whenAwake(callback));
    else callback();
  }
}
