import type { SloUnderLoad } from '../../../profiles/capacity/capacity.ts';
import type { Candidate } from '../../latency/candidate.ts';

export type { SloUnderLoad };

/** What one instance carries in a pool of so many, in requests per second. */
export type SharesBySize = (poolSize: number) => number;

/**
 * How much a set of instances of one function carries: by the paper's rule, or by the simulated percentile.
 */
export interface RateModel {
  readonly name: string;
  /** Whether an instance of this config can keep the SLO at all. */
  feasible(candidate: Candidate, slo: SloUnderLoad): boolean;
  /**
   * What one instance of this config carries in pools of any size: a pool carries the sum.
   *
   * @returns requests per second for a pool's size; 0 where the config cannot keep the SLO
   */
  sharesOf(candidate: Candidate, slo: SloUnderLoad): SharesBySize;
  /** The highest rate at which the SLO still holds, in requests per second. */
  capacityPerSecond(pool: readonly Candidate[], slo: SloUnderLoad): number;
  /** Whether starting this config makes sense when so much is missing. */
  worthStarting(candidate: Candidate, missingPerSecond: number, slo: SloUnderLoad): boolean;
}
