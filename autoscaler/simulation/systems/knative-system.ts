import type { KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
import { BaselineSystem, type ScalingRule, type SystemContext } from './baseline/baseline-system.ts';
import type { ServedFunction } from './baseline/served-function.ts';
import { ReplicaSizes, scaleTo, uniformConfigs } from './baseline/uniform-config.ts';
import type { System } from './serving-system.ts';

/** Knative's defaults (config-autoscaler). */
const TICK_MS = 2_000;
const STABLE_WINDOW_MS = 60_000;
const PANIC_WINDOW_MS = 6_000;
const PANIC_THRESHOLD = 2;
const TARGET_UTILIZATION = 0.7;
const MAX_SCALE_DOWN_RATE = 2;

/**
 * The Knative pod autoscaler with `containerConcurrency: 1`: pods of one size, one request in each, as many
 * as the mean concurrency takes at 70 % of that: over 60 s, or over 6 s in a panic, which begins when that
 * asks for twice the pods there are and lasts until 60 s after it last did; in a panic no pod goes. The
 * activator holds requests and gives them, first come first served, to pods that are free
 * (https://knative.dev/docs/serving/autoscaling, and kpa.go, autoscaler.go of Knative Serving).
 *
 * A pod's size is left to the operator: the cheapest that leaves time to wait for one other request; where
 * the nodes have no room for it the next and, where CPU is full, one with a share of a GPU
 * ({@link ReplicaSizes}). Each pod counts as one, whatever its size: concurrency tells what slow ones cannot
 * do.
 *
 * Left out: the grace period of scaling to zero, pods that hold more than their concurrency in their own
 * queue, `initial-scale`, and the burst capacity by which the activator leaves the path.
 */
export function knativeSystem({ keepAlive, batching = false }: KnativeOptions = {}): System {
  return {
    name: 'knative',
    description: 'Knative: one request at a time, pods by concurrency, stable and panic windows',
    create: (parts) => new BaselineSystem(parts, (hands) => new KnativeStrategy(hands, batching), keepAlive),
  };
}

export interface KnativeOptions {
  /** Default: its own, to zero when the stable window has seen nothing. */
  readonly keepAlive?: KeepAlivePolicyName | undefined;
  /** Whether pods take as many requests at once as their config batches. Default: no. */
  readonly batching?: boolean;
}

/** When the autoscaler last saw a reason to panic, and how many pods it has asked for since. */
export interface Panic {
  readonly sinceMs: number;
  readonly pods: number;
}

export interface PodDecision {
  readonly pods: number;
  readonly panic: Panic | undefined;
}

/**
 * How many pods there must be.
 *
 * @param stable mean concurrency over the stable window
 * @param panicking mean concurrency over the panic window
 */
export function podsByConcurrency(
  stable: number,
  panicking: number,
  readyPods: number,
  nowMs: number,
  panic: Panic | undefined,
): PodDecision {
  const stablePods = Math.ceil(stable / TARGET_UTILIZATION);
  const panicPods = Math.ceil(panicking / TARGET_UTILIZATION);
  const base = Math.max(1, readyPods);
  const isReason = panicPods / base >= PANIC_THRESHOLD;
  const lasts = panic !== undefined && nowMs - panic.sinceMs <= STABLE_WINDOW_MS;
  if (isReason || lasts) {
    const pods = Math.max(panicPods, readyPods, lasts ? panic.pods : 0);
    return { pods, panic: { sinceMs: isReason ? nowMs : panic!.sinceMs, pods } };
  }
  return { pods: Math.max(stablePods, Math.floor(readyPods / MAX_SCALE_DOWN_RATE)), panic: undefined };
}

interface Scaling {
  readonly sizes: ReplicaSizes;
  /** Requests that a pod takes at once. */
  readonly batch: number;
  readonly concurrency: MeanLevel;
  panic: Panic | undefined;
}

class KnativeStrategy implements ScalingRule {
  readonly tickMs = TICK_MS;
  readonly #hands: SystemContext;
  readonly #batches: boolean;
  readonly #scalings = new Map<ServedFunction, Scaling>();

  constructor(hands: SystemContext, batches: boolean) {
    this.#hands = hands;
    this.#batches = batches;
  }

  scale(served: ServedFunction, nowMs: number): void {
    const scaling = this.#scalingOf(served, nowMs);
    const { sizes, batch, concurrency, panic } = scaling;
    const decision = podsByConcurrency(
      concurrency.over(STABLE_WINDOW_MS, nowMs) / batch,
      concurrency.over(PANIC_WINDOW_MS, nowMs) / batch,
      served.ready.length,
      nowMs,
      panic,
    );
    scaling.panic = decision.panic;
    // A request that waits without any pod wakes one, whatever the windows say.
    const wanted = Math.max(decision.pods, Number(served.waiting.length > 0));
    scaleTo(this.#hands, served, sizes, { wanted });
  }

  route(served: ServedFunction, nowMs: number): void {
    this.#scalingOf(served, nowMs).concurrency.set(served.inSystem, nowMs);
    for (const instance of served.instances) {
      if (served.waiting.length === 0) return;
      if (!instance.isReady || instance.load > 0) continue;
      instance.offer(served.waiting.splice(0, instance.candidate.config.batch));
    }
  }

  #scalingOf(served: ServedFunction, nowMs: number): Scaling {
    let scaling = this.#scalings.get(served);
    if (scaling === undefined) {
      const byPrice = uniformConfigs(served.candidates, served.sloMs, this.#batches);
      scaling = {
        sizes: new ReplicaSizes(byPrice),
        batch: byPrice[0]?.config.batch ?? 1,
        concurrency: new MeanLevel(STABLE_WINDOW_MS, nowMs),
        panic: undefined,
      };
      this.#scalings.set(served, scaling);
    }
    return scaling;
  }
}

const BUCKET_MS = 1_000;

/** A level that changes at moments, such as requests in progress: its mean over the last seconds. */
export class MeanLevel {
  readonly #areas: Float64Array;
  #bucket: number;
  #lastMs: number;
  #level = 0;

  constructor(memoryMs: number, nowMs: number) {
    this.#areas = new Float64Array(memoryMs / BUCKET_MS + 1);
    this.#bucket = Math.floor(nowMs / BUCKET_MS);
    this.#lastMs = nowMs;
  }

  set(level: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#level = level;
  }

  /** Mean over the last whole seconds of `windowMs`, the present one aside. */
  over(windowMs: number, nowMs: number): number {
    this.#advance(nowMs);
    const count = windowMs / BUCKET_MS;
    let area = 0;
    for (let back = 1; back <= count; back += 1) area += this.#areas[this.#place(this.#bucket - back)]!;
    return area / windowMs;
  }

  #advance(nowMs: number): void {
    while (this.#lastMs < nowMs) {
      const endMs = Math.min(nowMs, (this.#bucket + 1) * BUCKET_MS);
      this.#areas[this.#place(this.#bucket)]! += this.#level * (endMs - this.#lastMs);
      this.#lastMs = endMs;
      if (endMs < (this.#bucket + 1) * BUCKET_MS) return;
      this.#bucket += 1;
      this.#areas[this.#place(this.#bucket)] = 0;
    }
  }

  #place(bucket: number): number {
    const { length } = this.#areas;
    return ((bucket % length) + length) % length;
  }
}
