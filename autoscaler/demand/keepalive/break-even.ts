import { BIN_MS, BINS, OVERFLOW_BIN, RANGE_MS } from './idle-histogram.ts';
import { type IdleWindow, keepFor } from './idle-window.ts';
import type { KeepAlivePolicy } from './policy.ts';

export interface BreakEvenOptions {
  /** How much idle time of an instance a cold start is worth. */
  readonly coldStartPriceMs: number;
  /** After so long, what was seen counts half. */
  readonly halfLifeMs: number;
}

/** So many idle times the prior counts for. */
const PRIOR_WEIGHT = 2;
/** Another idle time is expected to be like one that was seen within this share of it. */
const SPREAD = 0.1;
/** The window is computed anew when so much of what is known is new, or so much of a half-life has passed. */
const STALE_SHARE = 0.01;
const STALE_HALF_LIVES = 0.05;
/** Weights grow instead of all older ones shrinking; before they lose digits they are scaled back. */
const LARGEST_GROWTH = 2 ** 20;

/**
 * Keeps an instance for as long as it is worth it: of all windows the one with the least expected cost, an
 * idle millisecond counting 1 and a cold start its price, under the distribution of the idle times seen
 * (exponentially forgotten).
 *
 * Without anything seen, it keeps for exactly the price: break-even, the best that can be done knowing
 * nothing (the ski-rental rule). That is what the prior is made for.
 */
export class BreakEven implements KeepAlivePolicy {
  readonly #priceMs: number;
  readonly #halfLifeMs: number;
  readonly #weights = new Float32Array(BINS + 1);
  #totalWeight = 0;
  #newWeight = 0;
  /** Weights are relative to the growth since this moment. */
  #baseMs = 0;
  /**
   * The number of bins worth looking at: beyond what was seen and the prior's break-even, being there never
   * pays.
   */
  #bins: number;
  #window: IdleWindow;
  #computedAtMs = Number.NEGATIVE_INFINITY;
  #computedForStartupMs = Number.NaN;

  constructor({ coldStartPriceMs, halfLifeMs }: BreakEvenOptions) {
    this.#priceMs = coldStartPriceMs;
    this.#halfLifeMs = halfLifeMs;
    this.#bins = Math.min(BINS, Math.ceil(coldStartPriceMs / BIN_MS));
    this.#window = keepFor(coldStartPriceMs);
  }

  idleBegan(nowMs: number, startupMs: number): IdleWindow {
    const isStale =
      startupMs !== this.#computedForStartupMs ||
      this.#newWeight > STALE_SHARE * this.#totalWeight ||
      nowMs - this.#computedAtMs > STALE_HALF_LIVES * this.#halfLifeMs;
    if (isStale) {
      this.#window = this.#cheapestWindow(this.#growthAt(nowMs), startupMs);
      this.#computedAtMs = nowMs;
      this.#computedForStartupMs = startupMs;
      this.#newWeight = 0;
    }
    return this.#window;
  }

  idleEnded(idleMs: number, nowMs: number): void {
    if (this.#totalWeight === 0) this.#baseMs = nowMs;
    const weight = this.#scaledGrowthAt(nowMs);
    this.#totalWeight += weight;
    this.#newWeight += weight;
    if (idleMs >= RANGE_MS) {
      this.#weights[OVERFLOW_BIN]! += weight;
      return;
    }
    const from = Math.floor((idleMs * (1 - SPREAD)) / BIN_MS);
    const until = Math.min(OVERFLOW_BIN, Math.floor((idleMs * (1 + SPREAD)) / BIN_MS));
    this.#bins = Math.min(BINS, Math.max(this.#bins, until + 1));
    const each = weight / (until - from + 1);
    for (let bin = from; bin <= until; bin += 1) this.#weights[bin]! += each;
  }

  #growthAt(nowMs: number): number {
    return this.#totalWeight === 0 ? 1 : 2 ** ((nowMs - this.#baseMs) / this.#halfLifeMs);
  }

  #scaledGrowthAt(nowMs: number): number {
    const growth = this.#growthAt(nowMs);
    if (growth < LARGEST_GROWTH) return growth;
    for (let bin = 0; bin <= OVERFLOW_BIN; bin += 1) this.#weights[bin]! /= growth;
    this.#totalWeight /= growth;
    this.#newWeight /= growth;
    this.#baseMs = nowMs;
    return 1;
  }

  /**
   * Being there during a bin costs its length, if the idle period lasts so long, and saves the price, if it
   * ends there; the cheapest run of bins is the subarray of least sum (Kadane). One that does not begin at
   * once pays for starting.
   *
   * The prior is a Pareto (Lomax) distribution of shape 2 with the price for its scale: after t without a
   * request, the chance of one in the next moment is 2 / (price + t), which is worth that moment's idle time
   * up to t = price.
   *
   * @param growth weight of an idle time that would end now
   */
  #cheapestWindow(growth: number, startupMs: number): IdleWindow {
    const priorWeight = PRIOR_WEIGHT * growth;
    let priorSurvival = 1;
    let alive = this.#totalWeight + priorWeight;
    let run = Number.POSITIVE_INFINITY;
    let runFrom = 0;
    let best = 0;
    let from = 0;
    let until = 0;
    for (let bin = 0; bin < this.#bins; bin += 1) {
      const nextPriorSurvival = (this.#priceMs / (this.#priceMs + (bin + 1) * BIN_MS)) ** 2;
      const ending = this.#weights[bin]! + priorWeight * (priorSurvival - nextPriorSurvival);
      priorSurvival = nextPriorSurvival;
      const startingHere = bin === 0 ? 0 : startupMs * alive;
      if (run > startingHere) {
        run = startingHere;
        runFrom = bin;
      }
      run += (alive - ending / 2) * BIN_MS - ending * this.#priceMs;
      alive -= ending;
      if (run < best) {
        best = run;
        from = runFrom;
        until = bin + 1;
      }
    }
    return { prewarmMs: from * BIN_MS, keepAliveMs: until * BIN_MS };
  }
}
