/** How long ago a rise counts half as much as one of now. */
const HALF_LIFE_MS = 10 * 60_000;
/** Rises are told apart by percents, up to a doubling. */
const STEPS = 100;
const STEP = 0.01;
/** Weights grow with time, so that the old need not be shrunk; before they overflow all are scaled down. */
const LARGEST_WEIGHT = 1e200;
/** A rate below this has no rises to learn from: one instance carries it and more. */
const FEWEST_PER_SECOND = 1;
/** How often it is looked. */
const PERIOD_MS = 500;
/**
 * Of a function of which nothing is known it is believed that it has risen so much in the last of so many
 * seconds.
 */
const FIRST_RISE = 0.3;
const FIRST_MS = 60_000;

/**
 * Learns how much demand rises within the time that it takes to order capacity, and so how much more than now
 * is needed has to be there: no more than that on average the given share of requests finds no room. Where
 * rates rise in steps, or instances start slowly, that is much; where nothing changes, nothing.
 */
export class RiseReserve {
  /** Requests, by how many steps the rate had risen within the lead time when they came. */
  readonly #rises = new Float64Array(STEPS + 1);
  readonly #shortShare: number;
  /** Rates that were seen within the lead time, the oldest first. */
  #past: { readonly atMs: number; readonly ratePerSecond: number }[] = [];
  #weightOrigin: number;
  #factor = 1 + FIRST_RISE;
  #hasBegun = false;

  /** @param shortShare share of requests, e.g. 0.005 */
  constructor(shortShare: number, nowMs: number) {
    this.#weightOrigin = nowMs;
    this.#shortShare = shortShare;
  }

  /** What is expected now has to be multiplied by this: 1 to 2. */
  get factor(): number {
    return this.#factor;
  }

  /**
   * @param ratePerSecond what is expected at present, without reserve
   * @param certainPerSecond what arrives at least, chance set aside
   * @param leadMs what is ordered now is there so much later
   */
  observe(nowMs: number, ratePerSecond: number, certainPerSecond: number, leadMs: number): void {
    const latest = this.#past.at(-1);
    if (latest !== undefined && nowMs - latest.atMs < PERIOD_MS) return;
    this.#past.push({ atMs: nowMs, ratePerSecond });
    let due = 0;
    while (due < this.#past.length && this.#past[due]!.atMs <= nowMs - leadMs) due += 1;
    if (due === 0) return;
    const { ratePerSecond: expected } = this.#past[due - 1]!;
    this.#past.splice(0, due - 1);
    if (expected < FEWEST_PER_SECOND) return;
    const weight = expected * this.#weightAt(nowMs);
    if (!this.#hasBegun) this.#begin(weight, leadMs);
    const rise = Math.min(1, Math.max(0, certainPerSecond / expected - 1));
    this.#rises[Math.round(rise / STEP)]! += weight;
    this.#factor = 1 + this.#reserve();
  }

  /** @param weight of what is seen now: the first requests may come long after the start */
  #begin(weight: number, leadMs: number): void {
    this.#hasBegun = true;
    const risen = Math.min(leadMs, FIRST_MS) / PERIOD_MS;
    this.#rises[Math.round(FIRST_RISE / STEP)]! += weight * risen;
    this.#rises[0]! += weight * (FIRST_MS / PERIOD_MS - risen);
  }

  /** The least reserve beyond which rises go by no more than the share allowed, on average. */
  #reserve(): number {
    let total = 0;
    for (const weight of this.#rises) total += weight;
    const allowed = this.#shortShare * total;
    let heavier = 0; // weight of the rises beyond
    let excess = 0; // what they exceed this step by, in steps
    for (let step = STEPS; step > 0; step -= 1) {
      heavier += this.#rises[step]!;
      if ((excess + heavier) * STEP > allowed) return step * STEP - (allowed - excess * STEP) / heavier;
      excess += heavier;
    }
    return 0;
  }

  #weightAt(nowMs: number): number {
    const weight = 2 ** ((nowMs - this.#weightOrigin) / HALF_LIFE_MS);
    if (weight < LARGEST_WEIGHT) return weight;
    for (let step = 0; step <= STEPS; step += 1) this.#rises[step]! /= weight;
    this.#weightOrigin = nowMs;
    return 1;
  }
}
