import { DIMENSIONS, type DimensionLabel } from '../../../models/base/resources.ts';
import { configKey, formatConfig } from '../../../profiles/config.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { requireFeasible } from '../capacity/feasibility.ts';
import { type Room, roomFor } from './room-for.ts';
import { cheapestAt, costOfSlo, looseSloMs, nextCheaperSlo, type SloCost } from './slo-cost.ts';
import { type Need, setOf, setsByPrice, type UniformSet } from './uniform-sets.ts';

export interface ExplainRequest extends Need {
  readonly name: string;
  readonly maxInstances: number;
  /** What is free for this function, its own instances not counted; undefined: as much as it takes. */
  readonly nodes?: readonly NodeCapacity[];
}

/** What keeps a function from costing less, or from being carried at all. */
export type Constraint =
  | 'slo-tail'
  | 'throughput'
  | 'one-instance'
  | 'max-instances'
  | `cluster-${DimensionLabel}`;

export interface Explanation {
  readonly name: string;
  readonly constraint: Constraint;
  /** The constraint in a sentence, with its figures. */
  readonly why: string;
  /** The cheapest set that is possible or, where none is enough, the one that carries most. */
  readonly chosen: UniformSet | undefined;
  /** Requests per second that even the most that is possible does not carry. */
  readonly missingPerSecond: number;
  /** The cheapest possible set of another config. */
  readonly runnerUp: UniformSet | undefined;
  /** The next looser SLO at which another config is the cheapest. */
  readonly looser: SloCost | undefined;
  readonly costOfSlo: readonly SloCost[];
}

/** A price at the loosest SLO below this share of the present one is the SLO's doing. */
const SAVES = 0.99;

/**
 * Why a function gets the config it gets: what binds, what comes second, and what a looser SLO would save. Pure.
 *
 * @throws InflessError SLO_INFEASIBLE with the nearest feasible SLO
 */
export function explain(request: ExplainRequest): Explanation {
  requireFeasible(request.name, request.candidates, request.slo, request.rates);
  const sets = setsByPrice(request);
  const possible = sets.filter((set) => obstacleTo(set, request) === undefined);
  const chosen = possible[0] ?? mostPossible(request);
  const missingPerSecond = Math.max(0, request.ratePerSecond - (chosen?.capacityPerSecond ?? 0));
  return {
    name: request.name,
    ...bindingOf(request, sets, possible[0]),
    chosen,
    missingPerSecond,
    runnerUp: possible.find((set) => !isOfConfig(set, chosen)),
    looser: nextCheaperSlo(request),
    costOfSlo: costOfSlo(request),
  };
}

type Binding = Pick<Explanation, 'constraint' | 'why'>;

function bindingOf(
  request: ExplainRequest,
  sets: readonly UniformSet[],
  chosen: UniformSet | undefined,
): Binding {
  const cheapest = sets[0]!;
  const obstacle = obstacleTo(cheapest, request);
  if (obstacle !== undefined) return obstacle;
  if (chosen === undefined) throw new Error('the cheapest set is possible but was not chosen');
  const loosest = cheapestAt(request, looseSloMs(request))!;
  if (loosest.price < chosen.price * SAVES) return sloTail(request, chosen, loosest);
  const forNothing = cheapestAt({ ...request, ratePerSecond: 0 }, request.slo.sloMs)!;
  if (forNothing.price >= chosen.price) {
    const least = Math.max(1, request.fewest);
    const what =
      least === 1 ? 'one instance of the cheapest config is' : `the ${least} instances asked for are`;
    return {
      constraint: 'one-instance',
      why: `Fewer are not possible: ${what} more than enough for the rate.`,
    };
  }
  return {
    constraint: 'throughput',
    why: 'Only quicker batches would make it cheaper: the SLO rules out no config that carries the rate for less.',
  };
}

function sloTail({ slo }: ExplainRequest, chosen: UniformSet, loosest: UniformSet): Binding {
  const saving = Math.round((1 - loosest.price / chosen.price) * 100);
  const same = isOfConfig(loosest, chosen);
  const reason = same
    ? 'the tighter the SLO, the less an instance may be loaded'
    : `a full batch of it takes ${Math.round(loosest.candidate.tailMs)} ms at p${slo.percentile}, and requests also wait for their turn`;
  return {
    constraint: 'slo-tail',
    why: `Without the SLO of ${slo.sloMs} ms, ${setText(loosest)} would do for ${saving} % less: ${reason}.`,
  };
}

/** Why a set is not possible, the tighter limit where there are two; undefined for one that is. */
function obstacleTo(set: UniformSet, request: ExplainRequest): Binding | undefined {
  const { maxInstances } = request;
  const room = roomOf(set.candidate, request);
  if (set.instances <= Math.min(maxInstances, room.instances)) return undefined;
  if (maxInstances < room.instances) {
    const why = `${setText(set)} would be cheapest, but scale.max allows ${maxInstances}.`;
    return { constraint: 'max-instances', why };
  }
  const { label, title: what } = DIMENSIONS[room.limitedBy];
  const why = `${setText(set)} would be cheapest, but the cluster has ${what} left for ${room.instances}.`;
  return { constraint: `cluster-${label}`, why };
}

function mostPossible(request: ExplainRequest): UniformSet | undefined {
  return request.candidates
    .map((candidate) => {
      const instances = Math.min(request.maxInstances, roomOf(candidate, request).instances);
      return setOf(candidate, instances, request);
    })
    .filter((set) => set !== undefined)
    .reduce<UniformSet | undefined>(
      (best, set) => (best === undefined || set.capacityPerSecond > best.capacityPerSecond ? set : best),
      undefined,
    );
}

function roomOf(candidate: Candidate, { nodes }: ExplainRequest): Room {
  return nodes === undefined
    ? { instances: Infinity, limitedBy: 'cpuMillicores' }
    : roomFor(candidate, nodes);
}

function isOfConfig(set: UniformSet, other: UniformSet | undefined): boolean {
  return other !== undefined && configKey(set.candidate.config) === configKey(other.candidate.config);
}

/** `3 × b4 c1`. */
export function setText({ instances, candidate }: UniformSet): string {
  return `${instances} × ${formatConfig(candidate.config)}`;
}
