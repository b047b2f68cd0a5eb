/** What the running CV remembers: so much of the past, but at least so many gaps. */
const MEMORY_MS = 30_000;
const GAP_MEMORY = 300;
const FEWEST_GAPS = 50;
/** A longer gap is a pause: it says something of the rate, nothing of how bursty the arrivals are. */
export const LONGEST_GAP_MS = 4_000;
/**
 * While nothing arrives, what was seen of earlier arrivals counts half as much after so long: bursts that come from one
 * client, or one job of many, have no more to say once it has been gone for some such times.
 */
const HALF_LIFE_MS = 10 * 60_000;
/** The CV moves the plan only in steps, and only when it has clearly left the present one. */
const STEP = 0.5;
const FIRM = 0.7 * STEP;

/** Coefficient of variation of the times between arrivals: 1 for a Poisson stream, more where they come in bursts. */
export class ArrivalVariability {
  #lastArrivalMs: number | undefined;
  #fadedUntilMs = 0;
  /** How many speak. Those of which a pause has left less count less than one each. */
  #gaps = 0;
  #meanGapMs = 0;
  #meanSquareMs2 = 0;
  #cv = 1;

  /** In steps; never below 1: calmer arrivals than Poisson's are not relied upon. */
  get cv(): number {
    return this.#cv;
  }

  observe(nowMs: number): void {
    const lastMs = this.#lastArrivalMs;
    this.fade(nowMs);
    this.#lastArrivalMs = nowMs;
    this.#fadedUntilMs = nowMs;
    if (lastMs === undefined || nowMs - lastMs > LONGEST_GAP_MS) return;
    const gapMs = nowMs - lastMs;
    this.#gaps += 1;
    const weight = 1 / Math.min(this.#gaps, this.#memory); // plain means at first
    this.#meanGapMs += weight * (gapMs - this.#meanGapMs);
    this.#meanSquareMs2 += weight * (gapMs * gapMs - this.#meanSquareMs2);
    if (this.#gaps >= FEWEST_GAPS && this.#meanGapMs > 0) this.#follow();
  }

  /** Lets what was learnt fade until now, if nothing has arrived for longer than a gap. */
  fade(nowMs: number): void {
    if (nowMs - (this.#lastArrivalMs ?? nowMs) <= LONGEST_GAP_MS) return;
    const share = 2 ** ((this.#fadedUntilMs - nowMs) / HALF_LIFE_MS);
    this.#fadedUntilMs = nowMs;
    const poisson = 2 * this.#meanGapMs ** 2;
    this.#meanSquareMs2 = poisson + share * (this.#meanSquareMs2 - poisson);
    this.#gaps = Math.min(this.#gaps, this.#memory) * share;
    if (this.#cv > 1) this.#follow();
  }

  /** How many gaps are remembered. */
  get #memory(): number {
    return Math.max(GAP_MEMORY, MEMORY_MS / this.#meanGapMs);
  }

  #follow(): void {
    const variance = Math.max(0, this.#meanSquareMs2 - this.#meanGapMs ** 2);
    const cv = Math.max(1, Math.sqrt(variance) / this.#meanGapMs);
    if (Math.abs(cv - this.#cv) > FIRM) this.#cv = Math.round(cv / STEP) * STEP;
  }
}
