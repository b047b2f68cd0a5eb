import type { V1Pod } from '@kubernetes/client-node';
import type { Cancel, Clock } from '../../../models/base/clock.ts';
import { formatDuration } from '../../../models/base/units.ts';
import { SERVING_PORT } from '../../../packager/contents/image-config.ts';
import type { Instance, InstancePhase } from '../../cluster/instance.ts';
import type { InstanceEvent, InstanceTimeouts } from '../platform.ts';
import { allocatedCard, type CardPlaces } from './gpu/allocated.ts';
import type { InstanceIdentity } from './labels.ts';
import { type RemovalParts, removePod } from './pod-removal.ts';
import { disruptionOf, type PodState, pullFailureOf, stateOf } from './pod-state.ts';
import type { PodWarnings } from './pod-warnings.ts';

/** A node may be unready for as long as a pod. */
export interface PodPatience extends InstanceTimeouts {
  /** Until its node has room for it; from its start, until its volumes are there. */
  readonly unschedulableMs: number;
}

export interface Surroundings extends RemovalParts {
  readonly patience: PodPatience;
  readonly warnings: PodWarnings;
  readonly cards: CardPlaces;
  readonly emit: (event: InstanceEvent) => void;
}

interface Verdict {
  readonly expected: boolean;
  readonly reason: string;
}

const STOPPED: Verdict = { expected: true, reason: 'it was stopped' };
/** What an instance that is given up may still take to end: no one waits for its answers. */
const GIVEN_UP_GRACE_MS = 5_000;

/** Looks after one pod of ours, from when it is first seen until it is removed. */
export class SupervisedPod {
  readonly identity: InstanceIdentity;
  /** Resolves when the pod is removed. */
  readonly finished: Promise<void>;
  readonly #isOwn: boolean;
  readonly #around: Surroundings;
  readonly #removed = new AbortController();
  #pod: V1Pod;
  #state: PodState;
  #phase: InstancePhase = 'starting';
  #readyAtMs: number | undefined;
  #url: string | undefined;
  /** As planned, until it is told which it became. */
  #gpu: number | undefined;
  /** Set once it is to end. */
  #verdict: Verdict | undefined;
  #isOver = false;
  #isBeingRemoved = false;
  #pullFailure: string | undefined;
  readonly #endurance: TroubleTimer;
  #cancelStart: Cancel = () => {};
  #cancelMount: Cancel = () => {};

  /** @param isOwn we have started it; what another autoscaler has started, that one may stop */
  constructor(identity: InstanceIdentity, pod: V1Pod, isOwn: boolean, around: Surroundings) {
    this.identity = identity;
    this.#isOwn = isOwn;
    this.#around = around;
    this.#pod = pod;
    this.#state = stateOf(pod);
    this.#gpu = this.#learnGpu();
    this.#endurance = new TroubleTimer(around.clock, (reason) => this.#giveUp(reason));
    this.finished = new Promise((resolve) => {
      this.#removed.signal.addEventListener('abort', () => resolve());
    });
  }

  /**
   * Begins to tell of it.
   *
   * @param isAdopted it was there before us
   */
  watch(isAdopted: boolean): void {
    if (isAdopted && this.#state.kind === 'over') {
      this.#end(); // which is no news to anybody
      this.#remove(0);
      return;
    }
    const { clock, patience } = this.#around;
    const { startedAtMs } = this.identity;
    this.#cancelStart = clock.at(startedAtMs + patience.startTimeoutMs, () => void this.#startTimedOut());
    this.#cancelMount = clock.at(startedAtMs + patience.unschedulableMs, () => void this.#checkMounts());
    this.#phase = this.#learnPhase();
    this.#tellChange();
    this.#react();
  }

  /** It was told as gone; what is left of its pod goes away. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get view(): Instance {
    const { id, functionName, version, config, node, startedAtMs } = this.identity;
    const gpu = this.#gpu;
    return {
      id,
      functionName,
      version,
      config,
      node,
      ...(gpu === undefined ? {} : { gpu }),
      phase: this.#phase,
      url: this.#url,
      startedAtMs,
      readyAtMs: this.#readyAtMs,
    };
  }

  /** The pod has changed. */
  observe(pod: V1Pod): void {
    this.#pod = pod;
    this.#state = stateOf(pod);
    if (this.#isOver) return;
    this.#pullFailure = pullFailureOf(pod) ?? this.#pullFailure;
    const phase = this.#learnPhase();
    const gpu = this.#learnGpu();
    if (phase !== this.#phase || gpu !== this.#gpu) {
      this.#phase = phase;
      this.#gpu = gpu;
      this.#tellChange();
    }
    this.#react();
  }

  /** The pod is no more. */
  removed(pod: V1Pod): void {
    this.#pod = pod;
    this.#state = stateOf(pod);
    this.#removed.abort();
    if (!this.#isOver) this.#gone(this.#verdict ?? this.#surprise());
  }

  /** Takes it out of service and lets it finish what it has. */
  stop(graceMs: number): void {
    if (this.#isOver || this.#phase === 'draining') return;
    this.#drain(STOPPED, graceMs);
  }

  /** Its node is not there any more, and will not tell how it ends. */
  lose(reason: string): void {
    if (this.#isOver) return;
    this.#verdict ??= { expected: false, reason };
    this.#gone(this.#verdict);
    this.#remove(0);
  }

  /** Stops watching; the pod runs on for the next life. */
  release(): void {
    this.#end();
    this.#removed.abort();
  }

  #learnPhase(): InstancePhase {
    if (this.#phase === 'draining' || this.#pod.metadata?.deletionTimestamp !== undefined) return 'draining';
    if (this.#state.kind === 'ready') {
      const { sinceMs, ip } = this.#state;
      // Kubernetes keeps whole seconds, so it can seem ready before it was started.
      this.#readyAtMs ??= Math.max(sinceMs, this.identity.startedAtMs);
      this.#url = `http://${ip.includes(':') ? `[${ip}]` : ip}:${SERVING_PORT}`;
    }
    return this.#url === undefined ? 'starting' : 'ready';
  }

  /** The plan said which of the node's GPUs, the kubelet chose. */
  #learnGpu(): number | undefined {
    const { node, gpu } = this.identity;
    const card = gpu === undefined ? undefined : allocatedCard(this.#pod);
    return card === undefined ? gpu : this.#around.cards.placeOf(node, card, gpu!);
  }

  #react(): void {
    const trouble = this.#trouble();
    if (this.#state.kind === 'over') {
      this.#gone(this.#verdict ?? this.#surprise());
      if (this.#pod.metadata?.deletionTimestamp === undefined) this.#remove(0);
    } else if (this.#phase === 'draining') {
      this.#verdict ??= this.#surprise();
      this.#endurance.relieve();
    } else if (trouble === undefined) this.#endurance.relieve();
    else if (trouble.patienceMs === 0) this.#giveUp(trouble.reason);
    else this.#endurance.bear(trouble.reason, trouble.patienceMs);
  }

  #trouble(): { readonly reason: string; readonly patienceMs: number } | undefined {
    if (this.#state.kind !== 'waiting') return undefined;
    const { unreadyMs, unschedulableMs } = this.#around.patience;
    if (this.#phase === 'ready') return { reason: 'it is not ready any more', patienceMs: unreadyMs };
    const { trouble } = this.#state;
    if (trouble === undefined) return undefined;
    if (trouble.mayPass) return { reason: trouble.reason, patienceMs: unschedulableMs };
    const detail = trouble.isAboutImage ? this.#pullFailure : undefined;
    return { reason: detail ?? trouble.reason, patienceMs: 0 };
  }

  async #startTimedOut(): Promise<void> {
    if (this.#phase !== 'starting') return;
    const { patience, warnings } = this.#around;
    const warning = await warnings.last(this.#pod);
    if (this.#phase !== 'starting') return;
    const what = `it was not ready within ${formatDuration(patience.startTimeoutMs)}`;
    this.#giveUp(warning === undefined ? what : `${what}: ${warning.message}`);
  }

  /** A volume that cannot be mounted, as of a secret that is not there, is told of in events only. */
  async #checkMounts(): Promise<void> {
    if (this.#phase !== 'starting') return;
    const warning = await this.#around.warnings.last(this.#pod);
    if (this.#phase !== 'starting' || warning?.reason !== 'FailedMount') return;
    this.#giveUp(`a volume of it cannot be mounted: ${warning.message}`);
  }

  #giveUp(reason: string): void {
    if (!this.#isOver && this.#verdict === undefined)
      this.#drain({ expected: false, reason }, GIVEN_UP_GRACE_MS);
  }

  #drain(verdict: Verdict, graceMs: number): void {
    this.#verdict = verdict;
    this.#phase = 'draining';
    this.#endurance.relieve();
    this.#tellChange();
    this.#remove(Math.max(1, graceMs));
  }

  #remove(graceMs: number): void {
    if (this.#isBeingRemoved && graceMs > 0) return;
    this.#isBeingRemoved = true;
    void removePod(this.#around, this.#pod, graceMs, this.#removed.signal);
  }

  /** It ends, and not because we wanted it to. */
  #surprise(): Verdict {
    const reason = this.#state.kind === 'over' ? this.#state.reason : disruptionOf(this.#pod);
    if (reason !== undefined) return { expected: false, reason };
    return this.#isOwn
      ? { expected: false, reason: 'its pod was deleted from outside' }
      : { expected: true, reason: 'its pod was deleted' };
  }

  #gone({ expected, reason }: Verdict): void {
    this.#end();
    this.#around.emit({ type: 'gone', instance: this.view, expected, reason });
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelStart();
    this.#cancelMount();
    this.#endurance.relieve();
  }

  #tellChange(): void {
    this.#around.emit({ type: 'changed', instance: this.view });
  }
}

/** Bears a trouble for a while, and gives up when it lasts. */
export class TroubleTimer {
  readonly #clock: Clock;
  readonly #giveUp: (reason: string) => void;
  #cancel: Cancel | undefined;
  #reason = '';

  constructor(clock: Clock, giveUp: (reason: string) => void) {
    this.#clock = clock;
    this.#giveUp = giveUp;
  }

  /** There is trouble, whatever its name by now: the time runs since there was none. */
  bear(reason: string, forMs: number): void {
    this.#reason = reason;
    this.#cancel ??= this.#clock.at(this.#clock.nowMs() + forMs, () => this.#giveUp(this.#reason));
  }

  relieve(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
