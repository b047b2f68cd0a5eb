import type { Cancel, Clock } from '../../models/base/clock.ts';
import { formatConfig } from '../../profiles/config.ts';
import type { Controller } from '../control/controller.ts';
import type { Platform } from '../fleet/platform.ts';

const SAMPLE_MS = 500;

/** What a function's instances were between two moments, in seconds since the start. */
export interface Stretch {
  readonly fromSecond: number;
  toSecond: number;
  /** `2 × b1 c0.5 + b4 c1`; `none` without any. */
  readonly instances: string;
}

interface Record {
  readonly stretches: Stretch[];
  readonly cpuMsById: Map<string, number>;
  /** When an instance was starting, in seconds since the start. */
  readonly startingAt: number[];
}

/** Watches which instances each function has while a replay runs, and the CPU time they use. */
export class Timeline {
  readonly #controller: Controller;
  readonly #platform: Platform;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #records = new Map<string, Record>();
  readonly #cpuAtStart = new Map<string, number>();
  #cancel: Cancel | undefined;

  constructor(controller: Controller, platform: Platform, clock: Clock) {
    this.#controller = controller;
    this.#platform = platform;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Starts sampling; CPU time counts from here. */
  async start(): Promise<void> {
    await this.#sample();
    for (const record of this.#records.values()) {
      for (const [id, cpuMs] of record.cpuMsById) this.#cpuAtStart.set(id, cpuMs);
    }
    this.#scheduleNext();
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#sample();
  }

  stretchesOf(functionName: string): readonly Stretch[] {
    return this.#records.get(functionName)?.stretches ?? [];
  }

  /** Whether an instance of a function was on its way at some time between two seconds since the start. */
  wasStarting(functionName: string, fromSecond: number, toSecond: number): boolean {
    const seconds = this.#records.get(functionName)?.startingAt ?? [];
    return seconds.some((second) => second >= fromSecond - SAMPLE_MS / 1000 && second <= toSecond);
  }

  /** CPU time of all instances since the start. */
  get cpuMs(): number {
    return [...this.#records.keys()].reduce((sum, name) => sum + this.cpuMsOf(name), 0);
  }

  /** CPU time its instances have used since the start, those that are gone included. */
  cpuMsOf(functionName: string): number {
    const used = this.#records.get(functionName)?.cpuMsById ?? new Map<string, number>();
    return [...used].reduce((sum, [id, cpuMs]) => sum + cpuMs - (this.#cpuAtStart.get(id) ?? 0), 0);
  }

  #scheduleNext(): void {
    this.#cancel = this.#clock.at(this.#clock.nowMs() + SAMPLE_MS, () => {
      void this.#sample().then(() => this.#scheduleNext());
    });
  }

  async #sample(): Promise<void> {
    const second = (this.#clock.nowMs() - this.#startMs) / 1000;
    for (const { name } of this.#controller.functions) {
      const record = this.#records.get(name) ?? {
        stretches: [],
        cpuMsById: new Map<string, number>(),
        startingAt: [],
      };
      this.#records.set(name, record);
      const instances = this.#controller.instancesOf(name);
      if (instances.some(({ phase }) => phase === 'starting')) record.startingAt.push(second);
      extend(record.stretches, second, describe(instances.filter(({ phase }) => phase === 'ready')));
      for (const { id } of instances) {
        const usage = await this.#platform.usage(id);
        if (usage !== undefined) record.cpuMsById.set(id, usage.cpuMs);
      }
    }
  }
}

function extend(stretches: Stretch[], second: number, instances: string): void {
  const last = stretches.at(-1);
  if (last !== undefined) last.toSecond = second;
  if (last?.instances !== instances) stretches.push({ fromSecond: second, toSecond: second, instances });
}

function describe(instances: readonly { readonly config: Parameters<typeof formatConfig>[0] }[]): string {
  const counts = new Map<string, number>();
  for (const { config } of instances) {
    const text = formatConfig(config);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  if (counts.size === 0) return 'none';
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([text, count]) => (count === 1 ? text : `${count} × ${text}`))
    .join(' + ');
}
