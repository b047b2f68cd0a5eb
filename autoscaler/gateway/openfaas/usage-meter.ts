import type { Clock } from '../../../models/base/clock.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { Platform } from '../../fleet/platform.ts';

/** What OpenFaaS tells of the resources that a function's instances use together. */
export interface FunctionUsage {
  /** CPU in millicores, on average since it was last asked for. */
  readonly cpu: number;
  readonly totalMemoryBytes: number;
}

interface Sample {
  readonly cpuMs: number;
  readonly atMs: number;
}

/** A shorter time says nothing: CPU time is counted in steps of 10 ms. */
const SHORTEST_MS = 1000;

/** Turns CPU time since the start of an instance into CPU used between two looks. */
export class UsageMeter {
  readonly #platform: Pick<Platform, 'usage'>;
  readonly #clock: Clock;
  readonly #samples = new Map<string, Sample>();

  constructor(platform: Pick<Platform, 'usage'>, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
  }

  /** Undefined where the platform cannot tell of any of them. */
  async of(instances: readonly Instance[]): Promise<FunctionUsage | undefined> {
    const usages = await Promise.all(instances.map((instance) => this.#usageOf(instance)));
    const known = usages.filter((usage) => usage !== undefined);
    if (known.length === 0) return undefined;
    return {
      cpu: known.reduce((sum, { cpu }) => sum + cpu, 0),
      totalMemoryBytes: known.reduce((sum, { totalMemoryBytes }) => sum + totalMemoryBytes, 0),
    };
  }

  /** Forgets instances that are no more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#samples.keys()) if (!ids.has(id)) this.#samples.delete(id);
  }

  async #usageOf({ id, startedAtMs }: Instance): Promise<FunctionUsage | undefined> {
    const usage = await this.#platform.usage(id);
    if (usage === undefined) return undefined;
    const now: Sample = { cpuMs: usage.cpuMs, atMs: this.#clock.nowMs() };
    const start: Sample = { cpuMs: 0, atMs: startedAtMs };
    const last = this.#samples.get(id) ?? start;
    const isRecent = now.atMs - last.atMs < SHORTEST_MS;
    if (!isRecent) this.#samples.set(id, now);
    const since = isRecent ? start : last;
    const millicores = ((now.cpuMs - since.cpuMs) / Math.max(1, now.atMs - since.atMs)) * 1000;
    return { cpu: Math.max(0, Math.round(millicores)), totalMemoryBytes: usage.memoryBytes };
  }
}
