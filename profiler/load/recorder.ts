import { isWrongRequest } from '../../models/base/errors.ts';
import { LatencyHistogram } from './histogram.ts';
import type { LoadReport, SecondReport, Slo, SloReport } from './report.ts';

/** Behind schedule by more than this at p99, the generator was too slow for what it was asked. */
const TOLERABLE_LAG_MS = 10;

const NOTHING = { sent: 0, answered: 0, ok: 0, late: 0, failed: 0, dropped: 0 };

/** How one request ended: with a status, or with the reason why there was none. */
export type RequestResult =
  /** `text`: how the body of an answer begins that is an error; of the first such answer. */
  { readonly status: number; readonly text?: string } | { readonly error: string };

/** Counts what happens to requests, as a whole and second by second. */
export class LoadRecorder {
  readonly #slo: Slo | undefined;
  readonly #latency = new LatencyHistogram();
  readonly #lag = new LatencyHistogram();
  readonly #byStatus = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #total = { ...NOTHING };
  #firstError: { readonly status: number; readonly text: string } | undefined;
  #wrong = 0;
  #unanswered = 0;
  #unansweredLate = 0;

  readonly #seconds: SecondReport[] = [];
  #second = { ...NOTHING };
  readonly #secondLatency = new LatencyHistogram();

  constructor(slo: Slo | undefined) {
    this.#slo = slo;
  }

  sent(lagMs: number): void {
    this.#count('sent');
    this.#lag.record(lagMs);
  }

  dropped(): void {
    this.#count('dropped');
  }

  ended(outcome: RequestResult, latencyMs: number): void {
    if ('error' in outcome) {
      this.#count('failed');
      increment(this.#errors, outcome.error);
      return;
    }
    this.#count('answered');
    if (outcome.status < 200 || outcome.status > 299) {
      this.#count('failed');
      increment(this.#byStatus, String(outcome.status));
      if (isWrongRequest(outcome.status)) this.#wrong += 1;
      const { status, text } = outcome;
      if (text !== undefined) this.#firstError ??= { status, text };
      return;
    }
    this.#count('ok');
    this.#latency.record(latencyMs);
    this.#secondLatency.record(latencyMs);
    if (this.#isLate(latencyMs)) this.#count('late');
  }

  /** An interrupted test waits no longer for this request. */
  abandoned(ageMs: number): void {
    this.#unanswered += 1;
    if (this.#isLate(ageMs)) this.#unansweredLate += 1;
  }

  /** Whether anything happened since the last second was closed. */
  get hasOpenSecond(): boolean {
    return Object.values(this.#second).some((count) => count > 0);
  }

  closeSecond(outstanding: number): SecondReport {
    const any = this.#secondLatency.count > 0;
    const report = {
      second: this.#seconds.length + 1,
      ...this.#second,
      p50Ms: any ? this.#secondLatency.percentileMs(50) : null,
      p99Ms: any ? this.#secondLatency.percentileMs(99) : null,
      outstanding,
    };
    this.#seconds.push(report);
    this.#second = { ...NOTHING };
    this.#secondLatency.reset();
    return report;
  }

  report(test: Pick<LoadReport, 'target' | 'arrivals' | 'durationMs' | 'interrupted'>): LoadReport {
    const { sent, ok, dropped } = this.#total;
    const perSecond = (count: number): number =>
      test.durationMs === 0 ? 0 : (count / test.durationMs) * 1000;
    return {
      ...test,
      sent,
      ok,
      failed: {
        byStatus: Object.fromEntries(this.#byStatus),
        errors: Object.fromEntries(this.#errors),
        ...(this.#firstError === undefined ? {} : { first: this.#firstError }),
      },
      dropped,
      unanswered: this.#unanswered,
      rate: { offered: perSecond(sent + dropped), ok: perSecond(ok) },
      latencyMs: this.#latency.summary(),
      sendLagMs: {
        p50: this.#lag.percentileMs(50),
        p99: this.#lag.percentileMs(99),
        max: this.#lag.maxMs,
      },
      keptUp: this.#lag.percentileMs(99) <= TOLERABLE_LAG_MS,
      slo: this.#slo === undefined ? null : this.#judge(this.#slo),
      seconds: this.#seconds,
    };
  }

  #judge(slo: Slo): SloReport {
    const { sent, dropped, late, failed } = this.#total;
    const violations = late + failed - this.#wrong + dropped + this.#unansweredLate;
    const requests = sent + dropped - this.#wrong - (this.#unanswered - this.#unansweredLate);
    const allowed = (requests * (100 - slo.percentile)) / 100;
    return {
      ...slo,
      violations,
      violationShare: requests === 0 ? 0 : violations / requests,
      // A target that calls every request wrong has kept nothing. (100 − 99.9) is not exactly 0.1.
      met: violations <= allowed + 1e-9 && (requests > 0 || this.#wrong === 0),
    };
  }

  #isLate(latencyMs: number): boolean {
    return this.#slo !== undefined && latencyMs > this.#slo.ms;
  }

  #count(what: keyof typeof NOTHING): void {
    this.#total[what] += 1;
    this.#second[what] += 1;
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
