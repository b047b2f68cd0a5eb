/** Silences are told apart by their length: up to 1/16 ms, 1/8 ms, … and all that are longer than 4 s. */
const SHORTEST_MS = 1 / 16;
const LENGTHS = 18;

/** What was seen counts half as much after so many arrivals. */
const HALF_LIFE = 400;
const KEPT = 2 ** (-1 / HALF_LIFE);

/** What is not known of silences of a length is taken from shorter ones, until so many have reached it. */
const ENOUGH = 8;
/** … and counts as so many requests as long as none has. */
const ASSUMED = 2;
/** Where enough are known and no request came in any of them, it is not certain that none ever does. */
const DOUBT = 0.1;

/** Where a silence of each length begins, in ms. */
const BEGINS_MS = Array.from({ length: LENGTHS }, (_, index) =>
  index === 0 ? 0 : SHORTEST_MS * 2 ** (index - 1),
);

/**
 * How long until the next request comes, given how long none has: an estimate of the hazard rate, piecewise
 * constant over the length of the silence (arrivals seen in it ÷ time spent in it).
 *
 * A silence begins with a request, or with a batch that is answered, since clients that wait for an answer
 * send the next request when they have it; one that is ended by an answer says only that nothing came so far
 * (it is censored, as in Kaplan and Meier's estimator, 1958). So a closed loop whose clients all wait
 * already is known by its silence, and a Poisson stream by none. Times are of the caller's clock, in ms.
 */
export class NextArrival {
  readonly #arrivals = new Float64Array(LENGTHS);
  readonly #spentMs = new Float64Array(LENGTHS);
  /** How many silences became as long. */
  readonly #reached = new Float64Array(LENGTHS);
  #sinceMs: number | undefined;
  /** When the latest request came; answers do not count. */
  #lastArrivalMs = -Infinity;

  /** Requests that another former hands over may come after younger ones: they say nothing of the stream. */
  arrived(atMs: number): void {
    if (atMs < this.#lastArrivalMs) return;
    this.#lastArrivalMs = atMs;
    const length = this.#silence(atMs);
    if (length === undefined) return;
    for (let index = 0; index < LENGTHS; index += 1) {
      this.#arrivals[index]! *= KEPT;
      this.#spentMs[index]! *= KEPT;
      this.#reached[index]! *= KEPT;
    }
    this.#arrivals[length]! += 1;
  }

  /** A batch has been answered. */
  answered(atMs: number): void {
    if (this.#sinceMs !== undefined) this.#silence(atMs);
  }

  /** Ends the silence, and adds its time; returns which length it had, none for the first. */
  #silence(atMs: number): number | undefined {
    const sinceMs = this.#sinceMs;
    this.#sinceMs = Math.max(atMs, sinceMs ?? atMs);
    if (sinceMs === undefined) return undefined;
    const silentMs = Math.max(0, atMs - sinceMs);
    let index = 0;
    for (; index < LENGTHS - 1 && BEGINS_MS[index + 1]! <= silentMs; index += 1) {
      this.#reached[index]! += 1;
      this.#spentMs[index]! += BEGINS_MS[index + 1]! - BEGINS_MS[index]!;
    }
    this.#reached[index]! += 1;
    this.#spentMs[index]! += silentMs - BEGINS_MS[index]!;
    return index;
  }

  /**
   * The first moment from `nowMs` on at which, should nothing come until then, it is less likely than `least`
   * that a request comes before `untilMs`; at the latest `untilMs`. Nothing is likely while nothing is known.
   */
  unlikelyFrom(nowMs: number, untilMs: number, least: number): number {
    const rates = this.#rates();
    if (rates === undefined) return nowMs;
    const sinceMs = this.#sinceMs!;
    const enough = -Math.log(1 - least);
    let atMs = nowMs;
    for (let index = lengthOf(nowMs - sinceMs); index < LENGTHS && atMs < untilMs; index += 1) {
      if (expected(rates, atMs - sinceMs, untilMs - sinceMs) < enough) return atMs;
      atMs = sinceMs + (BEGINS_MS[index + 1] ?? Infinity);
    }
    return untilMs;
  }

  /** Arrivals per ms in silences of each length; of lengths never reached, as in the longest that was. */
  #rates(): Float64Array | undefined {
    let arrivals = 0;
    let allMs = 0;
    for (let index = 0; index < LENGTHS; index += 1) {
      arrivals += this.#arrivals[index]!;
      allMs += this.#spentMs[index]!;
    }
    if (arrivals === 0 || allMs === 0) return undefined;
    const rates = new Float64Array(LENGTHS);
    let rate = arrivals / allMs;
    for (let index = 0; index < LENGTHS; index += 1) {
      const unknown = Math.max(0, 1 - this.#reached[index]! / ENOUGH);
      const seen = this.#arrivals[index]! + unknown * ASSUMED;
      const overMs = this.#spentMs[index]! + (unknown * ASSUMED) / rate;
      rate = Math.max(seen, DOUBT) / Math.max(overMs, SHORTEST_MS);
      rates[index] = rate;
    }
    return rates;
  }
}

/** Which length a silence has reached. */
function lengthOf(silentMs: number): number {
  let index = 0;
  while (index < LENGTHS - 1 && BEGINS_MS[index + 1]! <= silentMs) index += 1;
  return index;
}

/** The hazard that a silence meets between two moments of it. */
function expected(rates: Float64Array, fromMs: number, toMs: number): number {
  let sum = 0;
  for (let index = 0; index < LENGTHS; index += 1) {
    const begin = Math.max(fromMs, BEGINS_MS[index]!);
    const end = Math.min(toMs, BEGINS_MS[index + 1] ?? Infinity);
    if (end > begin) sum += rates[index]! * (end - begin);
  }
  return sum;
}
