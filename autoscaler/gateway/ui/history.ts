import type { Cancel, Clock } from '../../../models/base/clock.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { Controller } from '../../control/controller.ts';
import type { ManagedFunction } from '../../control/managed-function.ts';

/** Often enough to see a start, seldom enough to cost nothing. */
export const SAMPLE_MS = 2_000;
/** Ten minutes. */
const MOST_SAMPLES = 300;
const KEPT_MS = SAMPLE_MS * MOST_SAMPLES;

/** One function at one moment. */
export interface Sample {
  /** In ms since the epoch. */
  readonly atMs: number;
  readonly ratePerSecond: number;
  /**
   * Of the requests of the last five minutes, 1,024 at most; null where there were none, or where that one
   * failed.
   */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Of the same requests, the share in time. */
  readonly attainment: number | null;
  readonly queued: number;
  readonly inFlight: number;
  readonly ready: number;
  readonly starting: number;
  /** What its instances hold together. */
  readonly cpuMillicores: number;
}

/** One instance from its start until it was gone. */
export interface Episode {
  readonly instance: Instance;
  /** In ms since the epoch; undefined while it is there. */
  readonly goneAtMs?: number;
}

export interface HistoryParts {
  readonly controller: Controller;
  readonly clock: Clock;
}

/**
 * What functions did in the last ten minutes, for the page: looked at every two seconds and kept in memory. A
 * restart of the gateway forgets it.
 */
export class History {
  readonly #parts: HistoryParts;
  readonly #samples = new Map<string, Sample[]>();
  readonly #episodes = new Map<string, Episode>();
  readonly #listeners = new Set<() => void>();
  #cancel: Cancel | undefined;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Looks now, and from now on. */
  run(): void {
    const { clock } = this.#parts;
    this.look();
    this.#cancel = clock.at(clock.nowMs() + SAMPLE_MS, () => this.run());
  }

  close(): void {
    this.#cancel?.();
    this.#listeners.clear();
  }

  /** @returns ends it */
  onLook(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The oldest first. */
  samplesOf(functionName: string): readonly Sample[] {
    return this.#samples.get(functionName) ?? [];
  }

  /** Those that were there in the time that is kept, the oldest first. */
  episodesOf(functionName: string): readonly Episode[] {
    const own = [...this.#episodes.values()].filter(({ instance }) => instance.functionName === functionName);
    return own.sort((a, b) => a.instance.startedAtMs - b.instance.startedAtMs);
  }

  look(): void {
    const { controller, clock } = this.#parts;
    const nowMs = Math.round(clock.nowMs());
    const names = new Set<string>();
    const present = new Set<string>();
    for (const managed of controller.functions) {
      names.add(managed.name);
      const instances = controller.instancesOf(managed.name);
      const samples = this.#samples.get(managed.name) ?? [];
      samples.push(sampleOf(managed, instances, nowMs));
      if (samples.length > MOST_SAMPLES) samples.shift();
      this.#samples.set(managed.name, samples);
      for (const instance of instances) {
        present.add(instance.id);
        this.#episodes.set(instance.id, { instance });
      }
    }
    for (const name of this.#samples.keys()) if (!names.has(name)) this.#samples.delete(name);
    for (const [id, { instance, goneAtMs }] of this.#episodes) {
      if (present.has(id)) continue;
      if (goneAtMs === undefined) this.#episodes.set(id, { instance, goneAtMs: nowMs });
      else if (nowMs - goneAtMs > KEPT_MS) this.#episodes.delete(id);
    }
    for (const listener of this.#listeners) listener();
  }
}

function sampleOf(managed: ManagedFunction, instances: readonly Instance[], atMs: number): Sample {
  const { dispatcher, deployment, latencies } = managed;
  const latest = latencies.summary(deployment.spec.slo, atMs);
  const ready = instances.filter(({ phase }) => phase === 'ready').length;
  return {
    atMs,
    ratePerSecond: round(managed.seenAt(atMs).currentPerSecond),
    p50Ms: finite(latest?.p50Ms),
    p99Ms: finite(latest?.p99Ms),
    attainment: latest?.attainment ?? null,
    queued: dispatcher.queued,
    inFlight: dispatcher.inFlight,
    ready,
    starting: instances.filter(({ phase }) => phase === 'starting').length,
    cpuMillicores: instances.reduce((sum, { config }) => sum + config.cpuMillicores, 0),
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? round(value) : null;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
