import { BINS, binOf, IdleHistogram, RANGE_MS } from './idle-histogram.ts';
import { type IdleWindow, keepFor } from './idle-window.ts';
import type { KeepAlivePolicy } from './policy.ts';

/** Below it the counts of the bins are too much alike to predict from. */
const REPRESENTATIVE_CV = 2;
/** With more of the idle times beyond the range, the histogram does not describe the function. */
const OUT_OF_BOUNDS_SHARE = 0.5;
const HISTOGRAM_MARGIN = 0.1;
const FORECAST_MARGIN = 0.15;

/**
 * The hybrid histogram policy of *Serverless in the Wild* (USENIX ATC'20) with its published parameters: from
 * the 5th to the 99th percentile of all idle times seen, with a margin of 10 %; kept for the whole range of 4
 * hours where the histogram is not representative; where idle times are mostly longer than that, a forecast
 * with a margin of 15 %.
 *
 * The forecast is the last idle time, which is what an ARIMA(0, 1, 0) says: the paper fits a model of higher
 * order, but a function with idle times above 4 hours gives it five samples a day.
 */
export class HybridHistogram implements KeepAlivePolicy {
  readonly #histogram = new IdleHistogram();
  #outOfBounds = 0;
  #lastIdleMs = 0;

  idleBegan(): IdleWindow {
    const seen = this.#histogram.total + this.#outOfBounds;
    if (this.#outOfBounds > OUT_OF_BOUNDS_SHARE * seen) {
      return within(this.#lastIdleMs, this.#lastIdleMs, FORECAST_MARGIN);
    }
    if (this.#histogram.countCv < REPRESENTATIVE_CV) return keepFor(RANGE_MS);
    return within(this.#histogram.headMs, this.#histogram.tailMs, HISTOGRAM_MARGIN);
  }

  idleEnded(idleMs: number): void {
    this.#lastIdleMs = idleMs;
    const bin = binOf(idleMs);
    if (bin < BINS) this.#histogram.add(bin);
    else this.#outOfBounds += 1;
  }
}

function within(fromMs: number, untilMs: number, margin: number): IdleWindow {
  return { prewarmMs: fromMs * (1 - margin), keepAliveMs: untilMs * (1 + margin) };
}
