import { isDeepStrictEqual } from 'node:util';
import { rateModelByName } from '../planning/capacity/rate-models.ts';
import type { FunctionDemand, PlanInput } from '../planning/decision.ts';
import { planCluster } from '../planning/planner.ts';
import { outcomeOf, type RecordedDecision, type RecordedOutcome } from './journal-line.ts';

/** What is asked instead of what was. */
export interface ReplayChange {
  /** In ms; of all functions, or by name. */
  readonly sloMs?: (functionName: string) => number | undefined;
  readonly maxInstances?: (functionName: string) => number | undefined;
  /** The most that one instance may be given. */
  readonly mostCpuMillicores?: number | undefined;
  /** Times the rate that was seen. */
  readonly rateFactor?: number | undefined;
  /** The name of a rate model. */
  readonly rates?: string | undefined;
}

/** A decision that was made again. */
export interface Replayed {
  readonly recorded: RecordedDecision;
  readonly outcomes: readonly RecordedOutcome[];
  /** Functions for which another thing would have been decided. */
  readonly differing: readonly string[];
  /** Whether it is the same, actions and all. */
  readonly isSame: boolean;
}

/** Makes a recorded decision again, by the planner that decides, from the same inputs or changed ones. */
export function replay(recorded: RecordedDecision, change: ReplayChange = {}): Replayed {
  const decision = planCluster(inputOf(recorded, change));
  const before = new Map(recorded.functions.map((each) => [each.name, each]));
  const outcomes = decision.functions.map((each) =>
    outcomeOf(each, before.get(each.name)?.constraint !== undefined),
  );
  const differing = outcomes
    .filter((each) => !isDeepStrictEqual(plain(each), plain(before.get(each.name))))
    .map(({ name }) => name);
  const hasSameActions = isDeepStrictEqual(plain(decision.actions), plain(recorded.actions));
  return { recorded, outcomes, differing, isSame: differing.length === 0 && hasSameActions };
}

function inputOf({ demands, cluster, rates }: RecordedDecision, change: ReplayChange): PlanInput {
  return {
    demands: demands.map((demand) => changed(demand, change)),
    cluster,
    rates: rateModelByName(change.rates ?? rates),
  };
}

function changed(demand: FunctionDemand, change: ReplayChange): FunctionDemand {
  const { mostCpuMillicores = Infinity, rateFactor = 1 } = change;
  return {
    ...demand,
    sloMs: change.sloMs?.(demand.name) ?? demand.sloMs,
    maxInstances: change.maxInstances?.(demand.name) ?? demand.maxInstances,
    ratePerSecond: demand.ratePerSecond * rateFactor,
    recentRatePerSecond: demand.recentRatePerSecond * rateFactor,
    candidates:
      mostCpuMillicores === Infinity
        ? demand.candidates
        : demand.candidates.filter(({ config }) => config.cpuMillicores <= mostCpuMillicores),
  };
}

/** As it is after it was written and read: without what is undefined, and without prototypes. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : structuredClone(JSON.parse(JSON.stringify(value)));
}
