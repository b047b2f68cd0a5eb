import { ArrivalCounts, BUCKET_MS } from '../../../demand/arrivals.ts';
import type { Deployment } from '../../../functions/deployment.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import { ServiceTimes } from '../../../latency/service-times.ts';
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
  readonly #arrivals: ArrivalCounts;

  constructor(deployment: Deployment, nowMs: number) {
    this.deployment = deployment;
    this.#arrivals = new ArrivalCounts(MEMORY_MS, nowMs);
    const { table } = deployment.profile;
    this.times = new ServiceTimes(table, () => ({ slowdown: 1, transportMs: 0 }));
    const { maxBatch, spec } = deployment;
    const { percentile, limits } = spec;
    this.candidates = this.times.candidates({ maxBatch, percentile, limits });
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

  observeArrival(nowMs: number): void {
    this.#arrivals.add(nowMs);
  }

  /** Requests per second over the last `windowMs`. */
  ratePerSecond(nowMs: number, windowMs: number): number {
    return this.#arrivals.rateUntil(nowMs, windowMs / BUCKET_MS);
  }
}
