import { namedRandom, type Random } from '../../../models/base/random.ts';
import { priceOf } from '../../cluster/price.ts';
import type { KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { BaselineSystem, type ScalingRule, type SystemContext } from './baseline/baseline-system.ts';
import type { ServedFunction } from './baseline/served-function.ts';
import { ReplicaSizes, scaleTo } from './baseline/uniform-config.ts';
import type { System } from './serving-system.ts';

/** `com.openfaas.scale.target-proportion`: its default. */
const TARGET_PROPORTION = 0.9;
/** The window of `rate(gateway_function_invocation_started[10s])`, and how often the autoscaler looks. */
const RATE_WINDOW_MS = 10_000;
const TICK_MS = 5_000;

export interface OpenfaasOptions {
  /** Default: its own, one replica always (`com.openfaas.scale.zero` is off by default). */
  readonly keepAlive?: KeepAlivePolicyName | undefined;
  /** Whether replicas batch what waits at them, as TensorFlow Serving would in them. Default: no. */
  readonly batching?: boolean;
}

/**
 * OpenFaaS scaled by requests per second (`com.openfaas.scale.type: rps`;
 * https://docs.openfaas.com/architecture/autoscaling): replicas that answer one request at a time, as many as
 * the rate takes at 90 % of the target. A request goes to a replica drawn at random, as a Kubernetes service
 * does, and waits there.
 *
 * The target is left to the operator; here, it is what a load test of one replica would find: the highest
 * Poisson rate at which it keeps the SLO ({@link targetPerSecond}). Its size is the cheapest by that; where
 * the nodes have no room for it the next and, where CPU is full, one with a share of a GPU, as in the
 * OpenFaaS with GPUs that INFless was compared with (ASPLOS'22 §5.1; {@link ReplicaSizes}). Each size counts
 * what it carries.
 *
 * Left out: the `cpu` and `capacity` modes, the limit of 20 replicas, scale to zero, the gateway's retries.
 */
export function openfaasSystem({ keepAlive, batching = false }: OpenfaasOptions = {}): System {
  return {
    name: 'openfaas',
    description: 'OpenFaaS: one request at a time, replicas by requests per second, drawn at random',
    create: (parts) =>
      new BaselineSystem(
        parts,
        (hands) => new OpenfaasStrategy(hands, batching, Number(keepAlive === undefined)),
        keepAlive,
      ),
  };
}

/**
 * The highest rate of Poisson arrivals at which one replica, which takes them one by one, is late with no
 * more than the SLO allows: by Lundberg's bound of the waiting time of M/D/1, P(W > w) ≤ e^(−ηw) with
 * λ(e^(ηt) − 1) = η. In requests per second; 0 where the SLO leaves no time to wait.
 *
 * @param percentile of the SLO, below 100
 */
export function targetPerSecond({ config, tailMs }: Candidate, sloMs: number, percentile: number): number {
  const waitMs = sloMs - tailMs;
  if (waitMs <= 0) return 0;
  const decay = -Math.log1p(-percentile / 100) / waitMs;
  return (1000 * config.batch * decay) / Math.expm1(decay * tailMs);
}

/** Replicas for a rate; a fraction, since they may be of several sizes. */
export function replicasByRate(ratePerSecond: number, target: number): number {
  return ratePerSecond / (target * TARGET_PROPORTION);
}

/** A function's sizes, and what one of each carries. */
interface Targets {
  readonly sizes: ReplicaSizes;
  readonly preferred: Candidate | undefined;
  readonly targets: ReadonlyMap<Candidate, number>;
}

class OpenfaasStrategy implements ScalingRule {
  readonly tickMs = TICK_MS;
  readonly #hands: SystemContext;
  readonly #random: Random;
  readonly #batches: boolean;
  readonly #fewest: number;
  readonly #targets = new Map<ServedFunction, Targets>();

  constructor(hands: SystemContext, batches: boolean, fewest: number) {
    this.#hands = hands;
    this.#random = namedRandom(hands.parts.seed, 'openfaas');
    this.#batches = batches;
    this.#fewest = fewest;
  }

  scale(served: ServedFunction, nowMs: number): void {
    const { sizes, preferred, targets } = this.#targetsOf(served);
    if (preferred === undefined) return;
    const target = targets.get(preferred)!;
    const wanted = replicasByRate(served.ratePerSecond(nowMs, RATE_WINDOW_MS), target);
    scaleTo(this.#hands, served, sizes, {
      wanted,
      fewest: Math.max(this.#fewest, Number(served.inSystem > 0)), // the gateway wakes what it needs
      worthOf: (candidate) => (targets.get(candidate) ?? 0) / target,
    });
  }

  route(served: ServedFunction): void {
    const { ready } = served;
    if (ready.length === 0) return;
    for (const pending of served.waiting.splice(0)) {
      ready[Math.floor(this.#random() * ready.length)]!.offer([pending]);
    }
  }

  #targetsOf(served: ServedFunction): Targets {
    let known = this.#targets.get(served);
    if (known === undefined) {
      const { percentile } = served.deployment.spec;
      const allowed = served.candidates.filter(({ config }) => this.#batches || config.batch === 1);
      const targets = new Map(
        allowed.map((candidate) => [candidate, targetPerSecond(candidate, served.sloMs, percentile)]),
      );
      const ordered = byPrice(allowed, targets);
      known = { sizes: new ReplicaSizes(ordered), preferred: ordered[0], targets };
      this.#targets.set(served, known);
    }
    return known;
  }
}

/** Those that keep the SLO; where none does, the quickest, as if it did. */
function byPrice(allowed: readonly Candidate[], targets: Map<Candidate, number>): readonly Candidate[] {
  const able = allowed.filter((candidate) => targets.get(candidate)! > 0);
  const cost = (candidate: Candidate): number => priceOf(candidate.config) / targets.get(candidate)!;
  if (able.length > 0) return able.toSorted((a, b) => cost(a) - cost(b));
  const quickest = allowed.toSorted((a, b) => a.tailMs - b.tailMs).slice(0, 1);
  for (const candidate of quickest)
    targets.set(candidate, (1000 * candidate.config.batch) / candidate.meanMs);
  return quickest;
}
