import type { StartDecision, StopDecision } from '../cluster/actions.ts';
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
   * The highest rate of the recent past, at least `ratePerSecond`: capacity for this is not given up yet. Infinity
   * while the recent past is not known, e.g. after a restart.
   */
  readonly recentRatePerSecond: number;
  /** Coefficient of variation of the times between arrivals. */
  readonly arrivalCv: number;
  /** Instances its owner asked for. */
  readonly minInstances: number;
  /** Instances kept ready for the next request while the function counts as active; given up for one that has none. */
  readonly warmInstances: number;
  readonly maxInstances: number;
  /** Beside others', where the cluster cannot carry all: of two in equal need, twice the weight gets twice the share. Default: 1. */
  readonly weight?: number;
  /** Its instances may only be on nodes with these labels. Default: on any. */
  readonly nodeSelector?: NodeSelector;
  readonly candidates: readonly Candidate[];
}

/** A function whose demand the cluster cannot carry. */
export interface Shortage {
  readonly functionName: string;
  readonly missingPerSecond: number;
  /** Of those it shall have whatever the rate: what neither runs, nor starts, nor is promised room. */
  readonly missingInstances?: number;
  /** It has as many instances as it may, so many: more room would be of no use. */
  readonly maxInstances?: number;
  /** In a sentence, where no room that others leave would help it. */
  readonly reason?: string;
}

export interface Plan {
  readonly start: readonly StartDecision[];
  readonly stop: readonly StopDecision[];
  readonly short: readonly Shortage[];
}

/** A way to choose what runs: pure, so that the same input gives the same plan. */
export type Planner = (
  demands: readonly FunctionDemand[],
  cluster: ClusterSnapshot,
  rates: RateModel,
) => Plan;

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
    ...(missingInstances > 0 ? [`${missingInstances} of the instances that shall always run`] : []),
  ];
  return `The cluster has no room for ${missing.join(' and ')}.`;
}
