import { namedRandom, type Random } from '../../../models/base/random.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { BaselineSystem, type ScalingRule, type SystemContext } from './baseline/baseline-system.ts';
import type { ServedFunction } from './baseline/served-function.ts';
import { scaleTo, uniformConfig } from './baseline/uniform-config.ts';
import type { System } from './serving-system.ts';

/** `com.openfaas.scale.target-proportion`: its default. */
const TARGET_PROPORTION = 0.9;
/** The window of `rate(gateway_function_invocation_started[10s])`, and how often the autoscaler looks. */
const RATE_WINDOW_MS = 10_000;
const TICK_MS = 5_000;

/**
 * OpenFaaS scaled by requests per second (`com.openfaas.scale.type: rps`): replicas of one size that answer
 * one request at a time, as many as the rate takes at 90 % of the target, which is what a replica can do. A
 * request goes to a replica drawn at random, as a Kubernetes service does, and waits there.
 */
export const openfaasSystem: System = {
  name: 'openfaas',
  description: 'OpenFaaS: one size, one request at a time, replicas by requests per second',
  create: (parts) => new BaselineSystem(parts, (hands) => new OpenfaasStrategy(hands)),
};

/** Replicas for a rate; one at least. */
export function replicasByRate(ratePerSecond: number, targetPerSecond: number): number {
  return Math.max(1, Math.ceil(ratePerSecond / (targetPerSecond * TARGET_PROPORTION)));
}

class OpenfaasStrategy implements ScalingRule {
  readonly tickMs = TICK_MS;
  readonly #hands: SystemContext;
  readonly #random: Random;
  readonly #configs = new Map<ServedFunction, Candidate | undefined>();

  constructor(hands: SystemContext) {
    this.#hands = hands;
    this.#random = namedRandom(hands.parts.seed, 'openfaas');
  }

  scale(served: ServedFunction, nowMs: number): void {
    if (!this.#configs.has(served)) this.#configs.set(served, uniformConfig(served.candidates, served.sloMs));
    const config = this.#configs.get(served);
    if (config === undefined) return;
    const rate = served.ratePerSecond(nowMs, RATE_WINDOW_MS);
    scaleTo(this.#hands, served, config, replicasByRate(rate, 1000 / config.meanMs));
  }

  route(served: ServedFunction): void {
    const { ready } = served;
    if (ready.length === 0) return;
    for (const pending of served.waiting.splice(0)) {
      ready[Math.floor(this.#random() * ready.length)]!.offer([pending]);
    }
  }
}
