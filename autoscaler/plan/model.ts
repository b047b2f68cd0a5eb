import type { Config } from '../../profiles/config.ts';
import type { NodeCapacity } from '../platforms/platform.ts';

/** A config a function may run in, with what its table says of it. */
export interface Candidate {
  readonly config: Config;
  /** Mean time of a full batch, answers encoded and all, in ms: decides how much it carries. */
  readonly meanMs: number;
  /** The same at the percentile of the SLO: decides whether it is in time. */
  readonly tailMs: number;
  readonly memoryBytes: number;
  /** From the decision to start until the first answer can be given. */
  readonly startupMs: number;
}

/** Labels, with the values that a node must have. */
export type NodeSelector = Readonly<Record<string, string>>;

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

/** Where an instance is and what it holds there. */
export interface Placement {
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs its share is of, where it has one and that is known. */
  readonly gpu?: number;
  readonly memoryBytes: number;
}

/** An instance that exists and is not being stopped. */
export interface PlannedInstance extends Placement {
  readonly id: string;
  readonly functionName: string;
  readonly ready: boolean;
  /** Of an older deployment: it serves until successors are ready, but nothing is counted on it. */
  readonly outdated: boolean;
}

/** An instance on its way out: it serves nothing any more but still holds its resources. */
export interface LeavingInstance extends Placement {
  /** Undefined where its function is not there any more. */
  readonly functionName?: string;
}

export interface ClusterSnapshot {
  readonly nodes: readonly NodeCapacity[];
  readonly instances: readonly PlannedInstance[];
  readonly leaving: readonly LeavingInstance[];
}

export interface StartDecision {
  readonly functionName: string;
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs; absent without a GPU share. */
  readonly gpu?: number;
}

export interface StopDecision {
  readonly id: string;
  readonly functionName: string;
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

/** What a plan has to hold for one function. */
export interface Slo {
  readonly sloMs: number;
  readonly percentile: number;
  readonly arrivalCv: number;
}

/** What one instance carries in a pool of so many, in requests per second. */
export type SharesBySize = (poolSize: number) => number;

/** How much a set of instances of one function carries: by the paper's rule, or by the simulated percentile. */
export interface RateModel {
  readonly name: string;
  /** Whether an instance of this config can keep the SLO at all. */
  feasible(candidate: Candidate, slo: Slo): boolean;
  /** What one instance of this config carries in pools of any size: a pool carries the sum. */
  sharesOf(candidate: Candidate, slo: Slo): SharesBySize;
  /** The highest rate at which the SLO still holds, in requests per second. */
  capacityPerSecond(pool: readonly Candidate[], slo: Slo): number;
  /** Whether starting this config makes sense when so much is missing. */
  worthStarting(candidate: Candidate, missingPerSecond: number, slo: Slo): boolean;
}

/** A way to choose what runs: pure, so that the same input gives the same plan. */
export type Planner = (
  demands: readonly FunctionDemand[],
  cluster: ClusterSnapshot,
  rates: RateModel,
) => Plan;
