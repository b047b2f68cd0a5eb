import type { DimensionLabel, Resources } from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import type { Action, StartAction, StopAction } from '../cluster/actions.ts';
import type { NodeSelector } from '../cluster/node.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import type { Candidate } from '../latency/candidate.ts';
import type { RateModel } from './capacity/rate-model.ts';

/** What is asked of one function. */
export interface FunctionDemand {
  readonly name: string;
  readonly sloMs: number;
  /** Percentile of the SLO, e.g. 99. */
  readonly percentile: number;
  /** What the next moments will bring, in requests per second: enough capacity for this has to be there. */
  readonly ratePerSecond: number;
  /**
   * The highest rate of the recent past, at least `ratePerSecond`: capacity for this is not given up yet.
   * Infinity while the recent past is not known, e.g. after a restart.
   */
  readonly recentRatePerSecond: number;
  /** Coefficient of variation of the times between arrivals. */
  readonly arrivalCv: number;
  /** Instances its owner asked for. */
  readonly minInstances: number;
  /**
   * Instances kept ready for the next request while the function counts as active; given up for one that has
   * none.
   */
  readonly warmInstances: number;
  readonly maxInstances: number;
  /**
   * Beside others', where the cluster cannot carry all: of two in equal need, twice the weight gets twice the
   * share. Default: 1.
   */
  readonly weight?: number;
  /** Its instances may only be on nodes with these labels. Default: on any. */
  readonly nodeSelector?: NodeSelector;
  readonly candidates: readonly Candidate[];
  /**
   * Configs of its table that its limits rule out. They are no candidates, and named among what was rejected.
   */
  readonly excluded?: readonly ExcludedConfig[];
}

/** A config beyond its function's limits. */
export interface ExcludedConfig {
  readonly config: Config;
  /** So many times the limit, above 1; of several limits, the one it exceeds the most. */
  readonly timesLimit: number;
}

/** All that a decision depends on: recorded, it can be decided again. */
export interface PlanInput {
  readonly demands: readonly FunctionDemand[];
  readonly cluster: ClusterSnapshot;
  readonly rates: RateModel;
}

/** A way to choose what runs: pure, so that the same input gives the same decision. */
export type Planner = (input: PlanInput) => ScalingDecision;

/** What runs from now on, and why. */
export interface ScalingDecision {
  /**
   * What a unit of each resource costs beside its list price since there is not more of it; 0 where it is not
   * scarce.
   */
  readonly prices: Resources;
  /** One for each demand, in the same order. */
  readonly functions: readonly FunctionDecision[];
  /**
   * What to do now. Others follow with later decisions: when what starts is ready, or what leaves has left.
   */
  readonly actions: readonly Action[];
}

/** What was decided for one function. */
export interface FunctionDecision {
  readonly name: string;
  readonly seen: FunctionDemand;
  /** Its instances before anything is done, ready or starting; those that are obsolete do not count. */
  readonly before: readonly ConfigCount[];
  /** The same when all is done that is decided now. */
  readonly after: readonly ConfigCount[];
  /** What those of before carry within the SLO that is planned for, in requests per second. */
  readonly carriedPerSecond: number;
  /** The SLO that is planned for: looser than its own where no config that a node can hold keeps that. */
  readonly plannedSloMs: number;
  /** The instances it should come to have. */
  readonly target: readonly ConfigCount[];
  /** What those are to carry of its demand: less than all where there is not enough for everyone. */
  readonly targetPerSecond: number;
  /** What keeps it from costing less, or from being carried at all. */
  readonly constraint: Constraint;
  /** What of its demand is not carried, when all is done that is decided. */
  readonly shortage?: Shortage;
  /** Configs that its target does not contain, and what speaks against each; what comes closest first. */
  readonly rejected: readonly Rejection[];
}

/** Equal instances. */
export interface ConfigCount {
  readonly config: Config;
  readonly instances: number;
}

/**
 * What binds:
 *
 * - `slo-tail`: a looser SLO would cost less.
 * - `throughput`: only quicker batches would.
 * - `one-instance`: fewer instances than it must have are not possible.
 * - `max-instances`: more of a cheaper config than its limit allows would.
 * - `cluster-…`: a larger cluster would, or would carry it at all; the resource that is scarce.
 * - `none`: it is asked for nothing, and has nothing.
 */
export type Constraint =
  | 'slo-tail'
  | 'throughput'
  | 'one-instance'
  | 'max-instances'
  | ClusterConstraint
  | 'none';

export type ClusterConstraint = `cluster-${DimensionLabel}`;

/** A config that was not chosen. */
export interface Rejection {
  readonly config: Config;
  /**
   * - `slo`: it cannot keep the SLO that is planned for; the figure is the tightest SLO in ms that it keeps.
   * - `limits`: it is beyond its function's limits, or takes more instances than are allowed: so many times
   *   the limit.
   * - `no-node`: there is no room for as many as it takes: so many times what there is.
   * - `costlier`: so many times the cost of the target, by the prices of the market and with what starting
   *   costs.
   */
  readonly because: 'slo' | 'limits' | 'no-node' | 'costlier';
  readonly figure: number;
}

/** A function whose demand the cluster cannot carry. */
export interface Shortage {
  readonly functionName: string;
  readonly missingPerSecond: number;
  /** Of those it must have whatever the rate: what neither runs, nor starts, nor is promised room. */
  readonly missingInstances?: number;
  /** It has as many instances as it may, so many: more room would be of no use. */
  readonly maxInstances?: number;
  /** In a sentence, where no room that others leave would help it. */
  readonly reason?: string;
}

export function startsOf({ actions }: Pick<ScalingDecision, 'actions'>): StartAction[] {
  return actions.filter((action) => action.type === 'start');
}

export function stopsOf({ actions }: Pick<ScalingDecision, 'actions'>): StopAction[] {
  return actions.filter((action) => action.type === 'stop');
}

/** Of the functions that are short, in the order of the demands. */
export function shortagesOf({ functions }: Pick<ScalingDecision, 'functions'>): Shortage[] {
  return functions.flatMap(({ shortage }) => shortage ?? []);
}

/** Why a function is short, in a word, as Kubernetes writes reasons. */
export type ShortageKind = 'NoSuitableNode' | 'MaxInstances' | 'ClusterFull';

export function shortageKind({ reason, maxInstances }: Shortage): ShortageKind {
  if (reason !== undefined) return 'NoSuitableNode';
  return maxInstances === undefined ? 'ClusterFull' : 'MaxInstances';
}

/** What is not carried, and why, in a sentence. */
export function shortageText(shortage: Shortage): string {
  const { missingPerSecond, missingInstances = 0, reason, maxInstances } = shortage;
  if (reason !== undefined) return `${reason}.`;
  const rate = `${missingPerSecond.toPrecision(2)} of the requests per second`;
  if (maxInstances !== undefined)
    return `scale.max allows ${maxInstances} ${maxInstances === 1 ? 'instance' : 'instances'}: too few for ${rate}.`;
  const missing = [
    ...(missingPerSecond > 0 ? [rate] : []),
    ...(missingInstances > 0 ? [`${missingInstances} of the instances that must always run`] : []),
  ];
  return `The cluster has no room for ${missing.join(' and ')}.`;
}
