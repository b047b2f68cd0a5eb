import type { RequestLog } from '../load/open-loop.ts';
import { LoadRecorder, type RequestResult } from '../load/recorder.ts';
import type { LoadReport, SecondReport } from '../load/report.ts';
import { type Counts, Stretches } from './late-share.ts';
import type { TrialRule, Verdict } from './trial-rule.ts';

/**
 * Requests in a stretch of the warm-up, and how long it is at least: of fewer no one knows whether they were
 * lucky.
 */
const WARM_UP_REQUESTS = 20;
const SHORTEST_WARM_UP_MS = 250;

export interface TrialLogOptions {
  readonly rule: TrialRule;
  readonly ratePerSecond: number;
  readonly startMs: number;
  /** At the rate of the trial, uncounted: until a stretch without a late request, at most so long. */
  readonly longestWarmUpMs: number;
  /** Called once, when the verdict is known. */
  readonly onVerdict: () => void;
}

/** Follows the requests of one trial: when it is warm, how many are late, when its verdict is known. */
export class TrialLog implements RequestLog {
  readonly #options: TrialLogOptions;
  readonly #recorder: LoadRecorder;
  readonly #warmUp: Stretches;
  #counted: Stretches | undefined;
  #countedFromMs = 0;
  #verdict: Verdict | undefined;
  /** Stretches looked at. */
  #judged = 0;

  constructor(options: TrialLogOptions) {
    const { rule, ratePerSecond, startMs } = options;
    this.#options = options;
    this.#recorder = new LoadRecorder(rule.slo);
    const stretchMs = Math.max((WARM_UP_REQUESTS / ratePerSecond) * 1000, SHORTEST_WARM_UP_MS, rule.slo.ms);
    this.#warmUp = new Stretches(startMs, stretchMs, rule.slo.ms);
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Closed stretches of counted time, up to the verdict. */
  get stretches(): readonly Counts[] {
    const closed = this.#counted?.closed ?? [];
    return this.#verdict === undefined ? closed : closed.slice(0, this.#judged);
  }

  /** How long warming up took; undefined while it does. */
  get warmUpMs(): number | undefined {
    return this.#counted === undefined ? undefined : this.#countedFromMs - this.#options.startMs;
  }

  /** Of all requests that were counted, also those after the last closed stretch. */
  report(test: Parameters<LoadRecorder['report']>[0]): LoadReport {
    return this.#recorder.report(test);
  }

  sent(lagMs: number, dueMs: number): void {
    this.#due(dueMs);
    if (this.#isCounted(dueMs)) this.#recorder.sent(lagMs);
  }

  dropped(dueMs: number): void {
    this.#due(dueMs);
    if (this.#isCounted(dueMs)) this.#recorder.dropped();
  }

  ended(outcome: RequestResult, latencyMs: number, dueMs: number): void {
    const isOk = 'status' in outcome && outcome.status >= 200 && outcome.status < 300;
    const counted = this.#isCounted(dueMs);
    if (counted) this.#recorder.ended(outcome, latencyMs);
    if (isOk && latencyMs <= this.#options.rule.slo.ms)
      (counted ? this.#counted! : this.#warmUp).inTime(dueMs);
  }

  abandoned(ageMs: number, dueMs: number): void {
    if (this.#isCounted(dueMs)) this.#recorder.abandoned(ageMs);
  }

  get hasOpenSecond(): boolean {
    return this.#recorder.hasOpenSecond;
  }

  closeSecond(outstanding: number): SecondReport {
    return this.#recorder.closeSecond(outstanding);
  }

  #isCounted(dueMs: number): boolean {
    return this.#counted?.covers(dueMs) === true;
  }

  #due(dueMs: number): void {
    if (this.#counted === undefined) this.#whileWarmingUp(dueMs);
    if (this.#counted?.due(dueMs) === true) this.#judge();
  }

  #whileWarmingUp(dueMs: number): void {
    const { startMs, longestWarmUpMs, rule, ratePerSecond } = this.#options;
    const closed = this.#warmUp.due(dueMs) ? this.#warmUp.closed.at(-1) : undefined;
    if (closed?.late !== 0 && dueMs - startMs < longestWarmUpMs) return;
    this.#countedFromMs = dueMs;
    this.#counted = new Stretches(dueMs, rule.stretchMs(ratePerSecond), rule.slo.ms);
  }

  /**
   * One stretch after the other, though several may be closed at once: the rule has its looks at certain
   * numbers of them.
   */
  #judge(): void {
    const { rule, ratePerSecond, onVerdict } = this.#options;
    const closed = this.#counted!.closed;
    while (this.#verdict === undefined && this.#judged < closed.length) {
      this.#judged += 1;
      this.#verdict = rule.judge(closed.slice(0, this.#judged), ratePerSecond);
      if (this.#verdict !== undefined) onVerdict();
    }
  }
}
