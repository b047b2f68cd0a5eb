import type { ArrivalProcess } from './renewal.ts';

/** A latency target: `percentile` percent of all requests must be answered within `ms`. */
export interface Slo {
  readonly ms: number;
  /** Such as 99. */
  readonly percentile: number;
}

/** A latency distribution in milliseconds. */
export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly mean: number;
}

/** What happened within one second of the test; answers count in the second in which they came. */
export interface SecondReport {
  /** 1 for the first. */
  readonly second: number;
  readonly sent: number;
  /** Of any status. */
  readonly answered: number;
  readonly ok: number;
  /** Answered ok, but after the SLO's time; 0 without an SLO. */
  readonly late: number;
  /** Answered with another status than 2xx, or not answered at all. */
  readonly failed: number;
  readonly dropped: number;
  /** Of the ok answers; null where there was none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Sent and not yet answered, at the end of the second. */
  readonly outstanding: number;
}

/** Everything one load test measured: what `infless-load --json` writes. */
export interface LoadReport {
  readonly target: string;
  readonly arrivals: ArrivalProcess & { readonly seed: number };
  /** Of sending; answers may have come later. */
  readonly durationMs: number;
  /** Whether sending was ended before its time. */
  readonly interrupted: boolean;
  readonly sent: number;
  /** Answered with 2xx. */
  readonly ok: number;
  readonly failed: {
    readonly byStatus: Readonly<Record<string, number>>;
    /** Requests without an answer, by reason: `timeout`, `ECONNRESET`, … */
    readonly errors: Readonly<Record<string, number>>;
  };
  /** Due, but not sent, because too many were outstanding. */
  readonly dropped: number;
  /** Still outstanding when an interrupted test gave up waiting. */
  readonly unanswered: number;
  /** Requests per second of sending: those due, and those answered ok. */
  readonly rate: { readonly offered: number; readonly ok: number };
  /** Of ok answers, from the moment a request was due, not from when it was sent. Null without any. */
  readonly latencyMs: LatencySummary | null;
  /** How far sending itself was behind schedule. It is part of the latencies above. */
  readonly sendLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Whether the generator kept to its schedule; if not, its numbers say little about the target. */
  readonly keptUp: boolean;
  readonly slo: SloReport | null;
  readonly seconds: readonly SecondReport[];
}

export interface SloReport extends Slo {
  /**
   * Late, failed and dropped requests, and those unanswered for longer than the SLO allows. Requests that an
   * interruption cut short before their time was up count neither here nor in the share.
   */
  readonly violations: number;
  /** Of all requests that were due. */
  readonly violationShare: number;
  readonly met: boolean;
}
