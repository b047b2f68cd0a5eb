import type { ArrivalProcess } from '../../../profiler/load/arrivals/arrivals.ts';
import type { Config } from '../../../profiles/config.ts';
import type { Holding, RequestCounts } from '../series/series-recorder.ts';

export const WHAT_IF_SCHEMA = 'infless.io/what-if/v1';

/** The answer to "what if": what `infless-autoscaler plan --json` writes. Shares are in 0…1. */
export interface WhatIfReport {
  readonly schema: typeof WHAT_IF_SCHEMA;
  readonly cluster: ClusterFacts;
  readonly load: LoadFacts;
  readonly functions: readonly FunctionFacts[];
  /** What the reader should know of the input. */
  readonly notes: readonly string[];
  /** One a policy, in the order asked for; empty when an SLO is infeasible. */
  readonly policies: Readonly<Record<string, PolicyReport>>;
  /** The policy that decides whether the SLO is met, and whether it is. */
  readonly verdict: { readonly policy: string; readonly met: boolean };
  /** Ended before its time: the last policy's figures are of a shorter run, later ones are missing. */
  readonly interrupted: boolean;
}

export interface ClusterFacts {
  readonly nodes: number;
  readonly cores: number;
  readonly gpus: number;
  readonly startupMs: number | null;
  readonly currency: string | null;
  /** Nodes that are alike, in the order of the description. */
  readonly groups: readonly NodeGroup[];
}

export interface NodeGroup {
  readonly count: number;
  readonly cores: number;
  /** Null where the description does not tell. */
  readonly memoryBytes: number | null;
  /** SM percent that may be used of each GPU. */
  readonly gpuPercents: readonly number[];
  readonly gpuMemoryBytes: readonly (number | null)[];
}

export interface LoadFacts {
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly process: ArrivalProcess;
  readonly seed: number;
}

export interface FunctionFacts {
  readonly name: string;
  readonly sloMs: number;
  readonly percentile: number;
  readonly expectedRequests: number;
  readonly peakPerSecond: number;
  readonly feasible: boolean;
  /** The tightest SLO in whole ms that some config keeps; null without any config. */
  readonly nearestSloMs: number | null;
  /** At the peak rate, with the headroom that the autoscaler keeps. */
  readonly costOfSlo: readonly SloCostPoint[];
}

/** The cheapest way to keep an SLO. */
export interface SloCostPoint {
  readonly sloMs: number;
  readonly config: Config;
  readonly instances: number;
  readonly gflops: number;
  /** GFLOPS for each request per second. */
  readonly gflopsPerRate: number;
  /** Where the cluster has prices. */
  readonly costPerMillionRequests: number | null;
}

export interface PolicyReport {
  readonly description: string;
  /** What was simulated and counted. */
  readonly measuredMs: number;
  readonly interrupted: boolean;
  /** Every function's SLO is. */
  readonly met: boolean;
  readonly requests: number;
  readonly inTimeShare: number;
  readonly violations: Violations;
  readonly coldStarts: {
    /** Requests that arrived when no instance of their function was ready. */
    readonly requests: number;
    readonly share: number;
  };
  readonly instanceStarts: number;
  readonly movesPerMinute: number;
  readonly resources: Readonly<Record<Holding, { readonly mean: number; readonly peak: number }>>;
  /** Where the cluster has prices: of what was held. */
  readonly cost: { readonly perHour: number; readonly perMillionRequests: number | null } | null;
  readonly functions: readonly FunctionReport[];
  readonly course: Course;
}

export interface Violations {
  /** Answered after the SLO. */
  readonly late: number;
  /** Refused or given up. */
  readonly rejected: number;
  /** Lost, or never answered. */
  readonly failed: number;
  readonly share: number;
}

export interface FunctionReport {
  readonly name: string;
  readonly met: boolean;
  readonly requests: number;
  readonly inTimeShare: number;
  readonly violations: Violations;
  readonly coldStarts: number;
  /** Null without an answer. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** What happened when, by equal stretches of time. */
export interface Course {
  readonly binMs: number;
  /** Means. */
  readonly resources: Readonly<Record<Holding, readonly number[]>>;
  readonly functions: readonly FunctionCourse[];
}

export interface FunctionCourse {
  readonly name: string;
  readonly counts: RequestCounts;
  readonly configs: readonly ConfigCourse[];
}

/** How many instances of a config there were, those on their way in and out included. */
export interface ConfigCourse {
  readonly config: Config;
  readonly text: string;
  readonly mean: number;
  readonly peak: number;
  readonly instances: readonly number[];
}
