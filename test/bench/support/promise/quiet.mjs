import { hostTimes, loadBetween } from '../../../../dist/profiler/cell/host-load.js';

/** Of the time of all cores, taken by a hypervisor. */
const MOST_STOLEN = 0.01;
/** A reference run that takes so many times as long as the usual one. */
const SLOW = 1.1;
const RUNS = 5;
const ROUNDS = 200_000;

/**
 * Whether the machine was itself while something was measured: nothing stolen, and a small run of our own as
 * quick as it was before.
 */
export class Quietness {
  #usualMs = Number.POSITIVE_INFINITY;

  /** What was wrong while `action` ran, undefined where nothing was; and what it returned. */
  async during(action) {
    const before = await hostTimes();
    const first = this.#reference();
    const result = await action();
    const slowdown = Math.max(first, this.#reference());
    const after = await hostTimes();
    const load = before === undefined || after === undefined ? undefined : loadBetween(before, after, 0, 1);
    return { result, disturbed: complaint(load?.stolenShare ?? 0, slowdown) };
  }

  /** How many times as long as the quickest so far: the middle one of a few, against the best middle one. */
  #reference() {
    const times = Array.from({ length: RUNS }, referenceMs).sort((a, b) => a - b);
    const middle = times[Math.floor(RUNS / 2)];
    this.#usualMs = Math.min(this.#usualMs, middle);
    return middle / this.#usualMs;
  }
}

function complaint(stolenShare, slowdown) {
  if (stolenShare > MOST_STOLEN) return `${(stolenShare * 100).toFixed(1)} % stolen`;
  return slowdown > SLOW ? `a reference run took ${slowdown.toFixed(2)} times as long as usual` : undefined;
}

/** What is worked out goes somewhere, or it would not be worked out. */
const sink = new Int32Array(1);

function referenceMs() {
  const from = performance.now();
  let state = 1;
  for (let round = 0; round < ROUNDS; round += 1) state = (Math.imul(state, 48_271) + round) | 0;
  sink[0] = state;
  return performance.now() - from;
}
