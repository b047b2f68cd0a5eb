import { IdleTimeLog } from './gap-log.ts';
import { binOf, IdleHistogram } from './idle-histogram.ts';
import { type IdleWindow, keepFor } from './idle-window.ts';
import type { KeepAlivePolicy } from './policy.ts';

/** How finely time is cut where idle times leave a window. */
const SLOT_MS = 5 * 60_000;
const LONG_SLOTS = (24 * 3_600_000) / SLOT_MS;
const SHORT_SLOTS = 3_600_000 / SLOT_MS;

/** γ: the weight of the long window. */
const LONG_WEIGHT = 0.5;
/** Percentiles of fewer idle times are little more than the last one or two. */
const FEWEST_SAMPLES = 5;

/**
 * LSTH, the long-short-term histogram of INFless (ASPLOS'22): the 5th and 99th percentile of the idle times
 * of the last 24 hours and of the last hour, in equal parts. The paper leaves open what happens without
 * enough of them: here the long window counts alone while the short one has fewer than five, and the fixed
 * keep-alive applies while the long one has.
 */
export class LongShortHistogram implements KeepAlivePolicy {
  readonly #fallback: IdleWindow;
  readonly #log = new IdleTimeLog();
  readonly #long = new SlidingWindow(this.#log, LONG_SLOTS);
  readonly #short = new SlidingWindow(this.#log, SHORT_SLOTS);

  constructor(fallbackKeepAliveMs: number) {
    this.#fallback = keepFor(fallbackKeepAliveMs);
  }

  idleBegan(nowMs: number): IdleWindow {
    this.#moveTo(slotOf(nowMs));
    const long = this.#long.histogram;
    const short = this.#short.histogram;
    if (long.total < FEWEST_SAMPLES) return this.#fallback;
    if (short.total < FEWEST_SAMPLES) return { prewarmMs: long.headMs, keepAliveMs: long.tailMs };
    return {
      prewarmMs: blend(long.headMs, short.headMs),
      keepAliveMs: blend(long.tailMs, short.tailMs),
    };
  }

  idleEnded(idleMs: number, nowMs: number): void {
    const bin = binOf(idleMs);
    const slot = slotOf(nowMs);
    this.#moveTo(slot);
    this.#log.push(slot, bin);
    this.#long.histogram.add(bin);
    this.#short.histogram.add(bin);
  }

  #moveTo(slot: number): void {
    this.#short.moveTo(slot);
    this.#log.forgetBefore(this.#long.moveTo(slot));
  }
}

function slotOf(timeMs: number): number {
  return Math.floor(timeMs / SLOT_MS);
}

function blend(longMs: number, shortMs: number): number {
  return LONG_WEIGHT * longMs + (1 - LONG_WEIGHT) * shortMs;
}

/**
 * The newest entries of the log, as a histogram. Every push to the log adds to it; reading takes away what is
 * too old.
 */
class SlidingWindow {
  readonly histogram = new IdleHistogram();
  readonly #log: IdleTimeLog;
  readonly #slots: number;
  #oldest = 0;

  constructor(log: IdleTimeLog, slots: number) {
    this.#log = log;
    this.#slots = slots;
  }

  /** @returns the position of the oldest entry that is still in the window */
  moveTo(slot: number): number {
    while (this.#oldest < this.#log.end && this.#log.slotAt(this.#oldest) <= slot - this.#slots) {
      this.histogram.add(this.#log.binAt(this.#oldest), -this.#log.countAt(this.#oldest));
      this.#oldest += 1;
    }
    return this.#oldest;
  }
}
