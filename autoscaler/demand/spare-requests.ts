import { LONGEST_GAP_MS } from './arrival-variability.ts';

/**
 * By how much a rate may seem higher than it is: what is expected is at most twice what is measured, and ten
 * percent of headroom come on top.
 */
const MOST_EXAGGERATED = 2.2;
/** Of what a pool carries, the other half is for what came before. */
const SHARE = 0.5;

/**
 * So many requests at once bring a function that carries `mostPerSecond`, and is asked for less than half of
 * that, no further than there: rates are measured over two seconds at least, and a standard deviation is
 * added.
 */
export function requestAllowance(mostPerSecond: number, arrivalCv: number): number {
  // The largest n with n/2 + cv·√n/2 below its share.
  const most = (2 * SHARE * mostPerSecond) / MOST_EXAGGERATED;
  return Math.floor(((Math.sqrt(arrivalCv ** 2 + 4 * most) - arrivalCv) / 2) ** 2);
}

/**
 * How many more requests may come before a function has to be looked at; after a pause as many as at first.
 */
export class RequestAllowance {
  readonly #most: number;
  #left: number;
  #latestMs: number;

  constructor(most: number, nowMs: number) {
    this.#most = most;
    this.#left = most;
    this.#latestMs = nowMs;
  }

  /** A request has come. Returns whether it was one to spare. */
  take(nowMs: number): boolean {
    if (nowMs - this.#latestMs > LONGEST_GAP_MS) this.#left = this.#most;
    this.#latestMs = nowMs;
    this.#left -= 1;
    return this.#left >= 0;
  }
}
