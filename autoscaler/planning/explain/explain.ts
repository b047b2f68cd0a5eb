import { DIMENSIONS } from '../../../models/base/resources.ts';
import { configKey, formatConfig } from '../../../profiles/config.ts';
import { priceOf } from '../../cluster/price.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { requireFeasible } from '../capacity/feasibility.ts';
import type { ClusterConstraint, ConfigCount, Constraint, FunctionDecision } from '../decision.ts';
import { cheapestAt, costOfSlo, looseSloMs, nextCheaperSlo, type SloCost } from './slo-cost.ts';
import { type Need, setsByPrice, type UniformSet } from './uniform-sets.ts';

/** A decision, and what it was made of. */
export interface ExplainRequest extends Need {
  readonly decision: FunctionDecision;
}

export interface Explanation {
  readonly constraint: Constraint;
  /** The constraint in a sentence, with its figures. */
  readonly why: string;
  /**
   * What it should come to have or, where there is not enough for that, what it gets; undefined for nothing.
   */
  readonly chosen: InstanceSet | undefined;
  /** Requests per second that are not carried even so. */
  readonly missingPerSecond: number;
  /** The cheapest set of another config that was rejected for nothing but its cost. */
  readonly runnerUp: RunnerUp | undefined;
  /** The next looser SLO at which another config is the cheapest. */
  readonly looser: SloCost | undefined;
  readonly costOfSlo: readonly SloCost[];
}

/** Instances of one config or several. */
export interface InstanceSet {
  /** What carries the most first. */
  readonly parts: readonly { readonly candidate: Candidate; readonly instances: number }[];
  readonly capacityPerSecond: number;
  /** In GFLOPS, see price.ts. */
  readonly price: number;
}

export interface RunnerUp {
  readonly set: UniformSet;
  /** Its cost beyond that of the target, as a share of that. */
  readonly extraShare: number;
}

/**
 * Why a function gets what it gets: read from the decision, and what other SLOs would cost. Pure.
 *
 * @throws InflessError SLO_INFEASIBLE with the nearest feasible SLO
 */
export function explain(request: ExplainRequest): Explanation {
  const { decision, candidates, slo, rates } = request;
  const { name, constraint, shortage, target, after } = decision;
  requireFeasible(name, candidates, slo, rates);
  const chosen = setFrom(shortage === undefined ? target : after, request);
  return {
    constraint,
    why: whyOf(request, chosen),
    chosen,
    missingPerSecond: shortage?.missingPerSecond ?? 0,
    runnerUp: runnerUpOf(request),
    looser: nextCheaperSlo(request),
    costOfSlo: costOfSlo(request),
  };
}

function setFrom(counts: readonly ConfigCount[], { candidates, rates, slo }: Need): InstanceSet | undefined {
  const parts = counts.flatMap(({ config, instances }) => {
    const candidate = candidates.find((each) => configKey(each.config) === configKey(config));
    return candidate === undefined ? [] : { candidate, instances };
  });
  if (parts.length === 0) return undefined;
  const pool = parts.flatMap(({ candidate, instances }) => Array<Candidate>(instances).fill(candidate));
  const fluid = ({ candidate, instances }: (typeof parts)[number]): number =>
    (instances * candidate.config.batch) / candidate.meanMs;
  return {
    parts: parts.sort((a, b) => fluid(b) - fluid(a)),
    capacityPerSecond: rates.capacityPerSecond(pool, slo),
    price: parts.reduce((sum, { candidate, instances }) => sum + instances * priceOf(candidate.config), 0),
  };
}

/** Rejections come with the closest first. */
function runnerUpOf({ decision, ...need }: ExplainRequest): RunnerUp | undefined {
  const closest = decision.rejected.find(({ because }) => because === 'costlier');
  if (closest === undefined) return undefined;
  const key = configKey(closest.config);
  const set = setsByPrice(need).find(({ candidate }) => configKey(candidate.config) === key);
  return set === undefined ? undefined : { set, extraShare: closest.figure - 1 };
}

function whyOf(request: ExplainRequest, chosen: InstanceSet | undefined): string {
  const { decision, fewest } = request;
  const { constraint, seen } = decision;
  switch (constraint) {
    case 'none':
      return 'There is no demand, and no instance is kept.';
    case 'slo-tail':
      return sloTailText(request, chosen!);
    case 'throughput':
      return 'Only quicker batches would make it cheaper: the SLO rules out no config that carries the rate for less.';
    case 'one-instance': {
      const least = Math.max(1, fewest);
      const what =
        least === 1 ? 'one instance of the cheapest config is' : `the ${least} required instances are`;
      return `Fewer are not possible: ${what} more than enough for the rate.`;
    }
    case 'max-instances':
      return `${cheapestText(request)} would be cheapest, but scale.max allows ${seen.maxInstances}.`;
    default:
      return scarcityText(request, constraint);
  }
}

function sloTailText(request: ExplainRequest, chosen: InstanceSet): string {
  const { slo } = request;
  const loosest = cheapestAt(request, looseSloMs(request))!;
  const same = chosen.parts.every(({ candidate }) => candidate === loosest.candidate);
  const reason = same
    ? 'the tighter the SLO, the less an instance may be loaded'
    : `a full batch of it takes ${Math.round(loosest.candidate.tailMs)} ms at p${slo.percentile}, and requests also wait for their turn`;
  const saving = Math.round((1 - loosest.price / chosen.price) * 100);
  if (saving < 1) return `Without the SLO of ${slo.sloMs} ms it would cost a little less: ${reason}.`;
  return `Without the SLO of ${slo.sloMs} ms, ${setText(loosest)} would do for ${saving} % less: ${reason}.`;
}

function scarcityText(request: ExplainRequest, constraint: ClusterConstraint): string {
  const { shortage, after, rejected } = request.decision;
  if (shortage?.reason !== undefined) return `${shortage.reason}.`;
  const what = Object.values(DIMENSIONS).find(({ label }) => constraint === `cluster-${label}`)!.title;
  const cheapest = setsByPrice(request)[0]!;
  const key = configKey(cheapest.candidate.config);
  const had = after.find(({ config }) => configKey(config) === key)?.instances;
  const noRoom = rejected.find(({ config, because }) => because === 'no-node' && configKey(config) === key);
  const left = had ?? (noRoom === undefined ? undefined : Math.round(cheapest.instances / noRoom.figure));
  if (left === undefined || left >= cheapest.instances)
    return `${setText(cheapest)} would be cheapest, but the cluster has too little ${what} for all who want it.`;
  return `${setText(cheapest)} would be cheapest, but the cluster has ${what} left for ${left}.`;
}

function cheapestText(request: ExplainRequest): string {
  return setText(setsByPrice(request)[0]!);
}

/** `3 × b4 c1`. */
export function setText({ instances, candidate }: Pick<UniformSet, 'instances' | 'candidate'>): string {
  return `${instances} × ${formatConfig(candidate.config)}`;
}

/** `3 × b4 c1 + 1 × b2 c0.5`. */
export function partsText({ parts }: InstanceSet): string {
  return parts.map(setText).join(' + ');
}
