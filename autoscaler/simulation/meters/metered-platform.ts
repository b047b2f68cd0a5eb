import type { Instance } from '../../cluster/instance.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type {
  InstanceEvent,
  InstanceUsage,
  LogLine,
  LogQuery,
  Platform,
  StartRequest,
} from '../../fleet/platform.ts';

/** Hears of every instance, before whoever uses the platform does. */
export interface InstanceMeter {
  /** It exists from now on, and holds its resources. */
  started(instance: Instance): void;
  ready(instance: Instance): void;
  /** Asked to stop; it still holds its resources. */
  stopping(instance: Instance): void;
  gone(instance: Instance, wasReady: boolean): void;
  /** A start was not accepted: its node has no room. */
  refused(): void;
}

/** A platform that tells a meter what happens on it: any serving system can be measured without its help. */
export class MeteredPlatform implements Platform {
  readonly name: string;
  readonly #inner: Platform;
  readonly #meter: InstanceMeter;
  readonly #phases = new Map<string, Instance['phase']>();

  constructor(inner: Platform, meter: InstanceMeter) {
    this.name = inner.name;
    this.#inner = inner;
    this.#meter = meter;
  }

  open(listener: (event: InstanceEvent) => void): Promise<void> {
    return this.#inner.open((event) => {
      this.#note(event);
      listener(event);
    });
  }

  nodes(): Promise<readonly NodeCapacity[]> {
    return this.#inner.nodes();
  }

  instances(): readonly Instance[] {
    return this.#inner.instances();
  }

  async start(request: StartRequest): Promise<void> {
    try {
      await this.#inner.start(request);
    } catch (error) {
      this.#meter.refused();
      throw error;
    }
  }

  stop(id: string, graceMs: number): Promise<void> {
    return this.#inner.stop(id, graceMs);
  }

  usage(id: string): Promise<InstanceUsage | undefined> {
    return this.#inner.usage(id);
  }

  logs(functionName: string, query: LogQuery): AsyncIterable<LogLine> {
    return this.#inner.logs(functionName, query);
  }

  close(mode: 'leave' | 'stop'): Promise<void> {
    return this.#inner.close(mode);
  }

  #note({ type, instance }: InstanceEvent): void {
    const before = this.#phases.get(instance.id);
    if (type === 'gone') {
      this.#phases.delete(instance.id);
      this.#meter.gone(instance, before === 'ready');
      return;
    }
    this.#phases.set(instance.id, instance.phase);
    if (before === undefined) this.#meter.started(instance);
    if (instance.phase === before) return;
    if (instance.phase === 'ready') this.#meter.ready(instance);
    if (instance.phase === 'draining') this.#meter.stopping(instance);
  }
}
