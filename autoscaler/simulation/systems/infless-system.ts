import { InflessError } from '../../../models/base/errors.ts';
import { namedRandom, type Random } from '../../../models/base/random.ts';
import type { NodeSelector } from '../../cluster/node.ts';
import { priceOf } from '../../cluster/price.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import {
  bandDecision,
  paperRateBand,
  type RateBand,
  shareRates,
} from '../../planning/capacity/paper-rates.ts';
import { BaselineSystem, type ScalingRule, type SystemContext } from './baseline/baseline-system.ts';
import { type FreeNode, freePrice, type NodeSpace } from './baseline/node-space.ts';
import type { PolicyInstance, QueueRule } from './baseline/policy-instance.ts';
import type { ServedFunction } from './baseline/served-function.ts';
import type { System } from './serving-system.ts';

/** The artifact's monitor looks once a second, at the rate of that second. */
const MONITOR_MS = 1_000;
/**
 * The paper keeps released instances by its histogram; over minutes of steady load that comes to about this.
 */
const KEEP_ALIVE_MS = 30_000;
/** An exact fit leaves nothing over; the artifact adds a thousandth, lest it be infinitely good. */
const FIT_MARGIN = 0.001;

/**
 * INFless as published (ASPLOS'22 §4.2–4.3, and its artifact where the paper is silent): arrivals as a fluid,
 * greedy choice by resource efficiency, the α band, a queue at each instance, and a lottery by rate among
 * them.
 */
export const inflessSystem: System = {
  name: 'infless',
  description: 'the paper: fluid rates, greedy e_ij, α band, queues at instances, lottery by rate',
  create: (parts) => new BaselineSystem(parts, (hands) => new InflessStrategy(hands)),
};

class InflessStrategy implements ScalingRule {
  readonly tickMs = MONITOR_MS;
  readonly #hands: SystemContext;
  readonly #random: Random;
  readonly #excess = new Map<ServedFunction, number>();

  constructor(hands: SystemContext) {
    this.#hands = hands;
    this.#random = namedRandom(hands.parts.seed, 'infless');
  }

  scale(served: ServedFunction, nowMs: number): void {
    const rate = served.ratePerSecond(nowMs, MONITOR_MS);
    const active = served.instances.filter(({ releasedAtMs }) => releasedAtMs === undefined);
    const decision = bandDecision(rate, bandsOf(active, served));
    const { min } = served.deployment.spec.scale;
    if (decision === 'scale-out' || active.length < min) this.#scaleOut(served, rate, active);
    if (decision === 'release') release(served, rate, active, nowMs);
    this.#allot(served, rate);
    for (const instance of served.instances) {
      const { releasedAtMs = nowMs, load } = instance;
      if (nowMs - releasedAtMs >= KEEP_ALIVE_MS && load === 0) this.#hands.stop(served, instance);
    }
  }

  /** Each request is drawn an instance when it comes; the excess of an overload draws none. */
  route(served: ServedFunction): void {
    const ready = served.instances.filter(({ isReady, weight }) => isReady && weight > 0);
    const total = ready.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return; // held until an instance is ready
    const excess = this.#excess.get(served) ?? 0;
    for (const pending of served.waiting.splice(0)) {
      let winner = this.#random() * (total + excess);
      const instance = ready.find(({ weight }) => {
        winner -= weight;
        return winner < 0;
      });
      if (instance?.offer([pending])) continue;
      pending.reject(new InflessError('OVERLOADED', 'It was more than the instances carry'));
    }
  }

  #scaleOut(served: ServedFunction, rate: number, active: readonly PolicyInstance[]): void {
    let missing = rate - sumOf(bandsOf(active, served)).highPerSecond;
    for (const instance of served.instances) {
      if (missing <= 0) return;
      if (instance.releasedAtMs === undefined) continue;
      instance.releasedAtMs = undefined; // it is still warm
      missing -= bandOf(instance, served).highPerSecond;
    }
    const { min, max } = served.deployment.spec.scale;
    while (served.instances.length < (missing > 0 ? max : min)) {
      const room = this.#hands.space;
      const wanted = missing > 0 ? missing : Infinity;
      const { nodeSelector } = served.deployment.spec;
      const choice = greedyChoice(served.candidates, served.sloMs, wanted, room, nodeSelector);
      if (choice === undefined) return;
      const { candidate, placement, band } = choice;
      this.#hands.start(served, candidate, { placement, rule: queueRule(candidate, served.sloMs) });
      missing -= band.highPerSecond;
    }
  }

  /** The lottery: each instance's part of the rate, among those that are ready. */
  #allot(served: ServedFunction, rate: number): void {
    if (rate === 0) return;
    const active = served.ready.filter(({ releasedAtMs }) => releasedAtMs === undefined);
    const bands = bandsOf(active, served);
    const { lowPerSecond, highPerSecond } = sumOf(bands);
    for (const instance of served.instances) instance.weight = 0;
    // While nothing is ready, requests are held; later, what exceeds the instances' rates goes nowhere.
    this.#excess.set(served, active.length === 0 ? 0 : Math.max(0, rate - highPerSecond));
    // Below the band, where nothing can be let go of, it is left open how the paper divides the rate: evenly.
    const isInBand = rate >= lowPerSecond && rate < highPerSecond;
    const shares = isInBand ? shareRates(rate, bands) : bands.map((band) => band.highPerSecond);
    active.forEach((instance, index) => {
      instance.weight = shares[index]!;
    });
  }
}

/**
 * A batch leaves when it is full or its oldest request has waited `T − t`. As many batches may wait as can
 * still be in time. (The artifact's TensorFlow Serving lets one wait, `max_enqueued_batches: 1`, which is
 * right where `t = T/2` and refuses more than it has to elsewhere; without a limit, an overload would make
 * every request late.)
 */
export function queueRule({ config, tailMs }: Candidate, sloMs: number): QueueRule {
  const slackMs = sloMs - tailMs;
  return {
    batchTimeoutMs: config.batch === 1 ? 0 : slackMs,
    queueLimit: config.batch * Math.max(1, Math.ceil(slackMs / tailMs)),
  };
}

/**
 * Lets go of instances, the largest first, as long as the rest carries the rate, until it lies in the band.
 */
function release(
  served: ServedFunction,
  rate: number,
  active: readonly PolicyInstance[],
  nowMs: number,
): void {
  let rest = [...active];
  const { min } = served.deployment.spec.scale;
  const upOf = (instance: PolicyInstance): number => bandOf(instance, served).highPerSecond;
  for (const instance of active.toSorted((a, b) => upOf(b) - upOf(a))) {
    if (bandDecision(rate, bandsOf(rest, served)) !== 'release') return;
    const without = rest.filter((other) => other !== instance);
    // Without any requests all may go in time; what still comes meanwhile finds them.
    if (without.length < min || sumOf(bandsOf(without, served)).highPerSecond < rate) continue;
    instance.releasedAtMs = nowMs;
    rest = without;
  }
}

interface GreedyChoice {
  readonly candidate: Candidate;
  readonly placement: Placement;
  readonly band: RateBand;
}

/**
 * The paper's greedy step: the largest batch size of which some config carries no less than it has to and has
 * a place and, of these, the config and node with the highest {@link resourceEfficiency}.
 */
export function greedyChoice(
  candidates: readonly Candidate[],
  sloMs: number,
  missingPerSecond: number,
  space: NodeSpace,
  selector?: NodeSelector,
): GreedyChoice | undefined {
  const batches = [...new Set(candidates.map(({ config }) => config.batch))].sort((a, b) => b - a);
  for (const batch of batches) {
    let best: (GreedyChoice & { readonly efficiency: number }) | undefined;
    for (const candidate of candidates) {
      if (candidate.config.batch !== batch) continue;
      const band = paperRateBand(candidate, sloMs);
      if (band === undefined || missingPerSecond < band.lowPerSecond) continue;
      for (const { node, placement } of space.placesFor(candidate, selector)) {
        const efficiency = resourceEfficiency(candidate, band.highPerSecond, node);
        if (best === undefined || efficiency > best.efficiency) {
          best = { candidate, placement, band, efficiency };
        }
      }
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

/**
 * `e_ij = [r_up / (β·c_i + g_i)] / [1 − (β·c_i + g_i) / (β·C_j + G_j)]`, C and G being what node j has free.
 */
export function resourceEfficiency(candidate: Candidate, highPerSecond: number, node: FreeNode): number {
  const price = priceOf(candidate.config);
  return highPerSecond / price / (1 + FIT_MARGIN - price / freePrice(node));
}

function bandOf({ candidate }: PolicyInstance, { sloMs }: ServedFunction): RateBand {
  return paperRateBand(candidate, sloMs)!;
}

function bandsOf(instances: readonly PolicyInstance[], served: ServedFunction): RateBand[] {
  return instances.map((instance) => bandOf(instance, served));
}

function sumOf(bands: readonly RateBand[]): RateBand {
  return bands.reduce(
    (sum, { lowPerSecond, highPerSecond }) => ({
      lowPerSecond: sum.lowPerSecond + lowPerSecond,
      highPerSecond: sum.highPerSecond + highPerSecond,
    }),
    { lowPerSecond: 0, highPerSecond: 0 },
  );
}
