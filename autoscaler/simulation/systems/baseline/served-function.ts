import { ArrivalCounts, BUCKET_MS } from '../../../demand/arrivals.ts';
import type { KeepAlivePolicyName } from '../../../demand/keepalive/policies.ts';
import type { Deployment } from '../../../functions/deployment.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import { ServiceTimes } from '../../../latency/service-times.ts';
import { FunctionKeepAlive } from './function-keep-alive.ts';
import type { PolicyInstance, WaitingRequest } from './policy-instance.ts';

/** Longest window over which a policy asks for the rate. */
const MEMORY_MS = 60_000;

/** One function as the policies that we compare with see it. */
export class ServedFunction {
  readonly deployment: Deployment;
  readonly times: ServiceTimes;
  /** Configs of the table, with its times alone: nothing is learnt. */
  readonly candidates: readonly Candidate[];
  /** Starting, ready, and released but not yet stopped. */
  readonly instances: PolicyInstance[] = [];
  /** Requests that no instance has taken yet, oldest first. */
  waiting: WaitingRequest[] = [];
  /** Requests without an answer. */
  inSystem = 0;
  /** Undefined where the system keeps no instance for its own sake, or by rules of its own. */
  readonly keepAlive: FunctionKeepAlive | undefined;
  /** No one need look at it before, unless something happens. */
  restsUntilMs = 0;
  readonly #arrivals: ArrivalCounts;
  #lastArrivalMs = -Infinity;

  constructor(deployment: Deployment, nowMs: number, keepAlive?: KeepAlivePolicyName) {
    this.deployment = deployment;
    this.#arrivals = new ArrivalCounts(MEMORY_MS, nowMs);
    const { table } = deployment.profile;
    this.times = new ServiceTimes(table, () => ({ slowdown: 1, transportMs: 0 }));
    const { maxBatch, spec } = deployment;
    const { percentile, limits } = spec;
    this.candidates = this.times.candidates({ maxBatch, percentile, limits });
    const startupMs = Math.min(...this.candidates.map((candidate) => candidate.startupMs));
    this.keepAlive =
      keepAlive === undefined
        ? undefined
        : new FunctionKeepAlive(keepAlive, spec.scale.idle, startupMs, nowMs);
  }

  get name(): string {
    return this.deployment.spec.name;
  }

  get sloMs(): number {
    return this.deployment.spec.slo;
  }

  get ready(): readonly PolicyInstance[] {
    return this.instances.filter(({ isReady }) => isReady);
  }

  /** A request comes. */
  arrived(nowMs: number): void {
    this.#arrivals.add(nowMs);
    this.#lastArrivalMs = nowMs;
    this.restsUntilMs = 0;
    this.keepAlive?.arrived(nowMs, this.inSystem > 0);
    this.inSystem += 1;
  }

  /** One has its answer, or an error. */
  left(nowMs: number): void {
    this.inSystem -= 1;
    if (this.inSystem === 0) this.keepAlive?.drained(nowMs);
  }

  /** Instances that must be there whatever the load. */
  fewestAt(nowMs: number): number {
    const { min } = this.deployment.spec.scale;
    return Math.max(min, Number(this.keepAlive?.isHeld(nowMs) ?? false));
  }

  /** Lets it rest where nothing is there and nothing was asked for as long as anyone remembers. */
  rest(nowMs: number): void {
    const isQuiet = this.instances.length === 0 && this.inSystem === 0 && this.fewestAt(nowMs) === 0;
    if (!isQuiet || nowMs - this.#lastArrivalMs < 2 * MEMORY_MS) return;
    this.restsUntilMs = this.keepAlive?.changesAtMs(nowMs) ?? Infinity;
  }

  /** Requests per second over the last `windowMs`. */
  ratePerSecond(nowMs: number, windowMs: number): number {
    return this.#arrivals.rateUntil(nowMs, windowMs / BUCKET_MS);
  }
}
