import type { LatencySummary, LoadReport, Slo } from '../load/report.ts';
import type { ReadyReport } from './endpoint.ts';
import type { LateShare } from './late-share.ts';
import type { SearchResult, TrialKind } from './search.ts';
import type { Verdict } from './trial-rule.ts';

export const CAPACITY_SCHEMA = 'infless.io/capacity/v1';

/** One rate that was tried. Only requests after the warm-up count. */
export interface TrialReport extends Pick<LoadReport, 'failed' | 'dropped' | 'sendLagMs' | 'keptUp'> {
  readonly kind: TrialKind;
  readonly ratePerSecond: number;
  readonly verdict: Verdict | 'cut short';
  readonly seed: number;
  readonly warmUpMs: number;
  readonly countedMs: number;
  /** Late, failed and dropped requests among all that were due; null where it ended before two stretches of time. */
  readonly lateShare: LateShare | null;
  /** Of ok answers, from the moment a request was due. */
  readonly latencyMs: LatencySummary | null;
}

/** The target while nothing else asks it anything. */
export interface IdleReport {
  /** Of the very first request, with the start of an instance where there was none. */
  readonly firstAnswerMs: number;
  /** One request after the other. */
  readonly latencyMs: LatencySummary;
  readonly requests: number;
}

/** What driving an endpoint found out: what `infless-profile endpoint --json` writes. */
export interface CapacityReport extends SearchResult {
  readonly schema: typeof CAPACITY_SCHEMA;
  readonly createdAt: string;
  readonly tool: string;
  readonly target: string;
  readonly slo: Slo;
  /** What it told of itself; null where it is not known to be a single serving process. */
  readonly instance: ReadyReport | null;
  /** That verdicts are right, and how near `heldRate` and `missedRate` were to come. */
  readonly confidence: number;
  readonly tolerance: number;
  readonly idle: IdleReport;
  readonly trials: readonly TrialReport[];
}
