import { InflessError } from '../../../models/base/errors.ts';
import { namedRandom, type Random } from '../../../models/base/random.ts';
import type { NodeSelector } from '../../cluster/node.ts';
import { priceOf } from '../../cluster/price.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
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
/** An exact fit leaves nothing over; the artifact adds a thousandth, lest it be infinitely good. */
const FIT_MARGIN = 0.001;

/**
 * INFless as published (ASPLOS'22 §4.2–4.3, and its artifact where the paper is silent): arrivals as a fluid,
 * greedy choice by resource efficiency, the α band, a queue at each instance, and a lottery by rate among
 * them. Its long-short-term histogram (§4.4) says how long what is released stays warm, and when a function
 * that no one calls has an instance. Requests that find their function busy count as idle times of none, one
 * a second.
 *
 * Left out: operator-level profiles (§4.1; the tables are measured or the paper's own), and the chain of
 * functions of an application: each has its own SLO.
 */
export function inflessSystem({ keepAlive = 'lsth' }: InflessOptions = {}): System {
  return {
    name: 'infless',
    description: 'the paper: fluid rates, greedy e_ij, α band, queues at instances, lottery by rate, LSTH',
    create: (parts) => new BaselineSystem(parts, (hands) => new InflessStrategy(hands), keepAlive),
  };
}

export interface InflessOptions {
  /** Default: `lsth`. */
  readonly keepAlive?: KeepAlivePolicyName | undefined;
}

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
    const min = served.fewestAt(nowMs);
    if (decision === 'scale-out' || active.length < min) this.#scaleOut(served, rate, active, min);
    if (decision === 'release') release(served, rate, active, min, nowMs);
    this.#allot(served, rate);
    if (served.instances.every(({ releasedAtMs }) => releasedAtMs === undefined)) return;
    // Where the function itself is not worth an instance, what was released is not either.
    const keptMs = served.keepAlive!.isHeld(nowMs) ? served.keepAlive!.surplusMs(nowMs) : 0;
    for (const instance of [...served.instances]) {
      const { releasedAtMs = Infinity, load } = instance;
      if (nowMs - releasedAtMs >= keptMs && load === 0) this.#hands.stop(served, instance);
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

  #scaleOut(served: ServedFunction, rate: number, active: readonly PolicyInstance[], min: number): void {
    let missing = rate - sumOf(bandsOf(active, served)).highPerSecond;
    for (const instance of served.instances) {
      if (missing <= 0) return;
      if (instance.releasedAtMs === undefined) continue;
      instance.releasedAtMs = undefined; // it is still warm
      missing -= bandOf(instance, served).highPerSecond;
    }
    const { max } = served.deployment.spec.scale;
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
    const active = served.ready.filter(({ releasedAtMs }) => releasedAtMs === undefined);
    if (rate === 0 && active.some(({ weight }) => weight > 0)) return;
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
  min: number,
  nowMs: number,
): void {
  let rest = [...active];
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
