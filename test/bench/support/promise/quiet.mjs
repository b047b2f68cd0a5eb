import { availableParallelism } from 'node:os';
import { hostTimes, loadBetween } from '../../../../dist/profiler/cell/host-load.js';

/** Of the time of all cores, taken by a hypervisor. */
const MOST_STOLEN = 0.01;
/** Cores that other programs kept busy. */
const MOST_FOREIGN = 0.15;
/** A reference run that takes so many times as long as the usual one. */
const SLOW = 1.15;
const RUNS = 40;
const ROUNDS = 200_000;

/**
 * Whether the machine was ours while something was measured: nothing stolen, nobody else at work, and a small
 * run as quick as it was before.
 */
export class Quietness {
  #usualMs = Number.POSITIVE_INFINITY;

  /**
   * What was wrong while `action` ran, undefined where nothing was; and what it returned.
   *
   * @param servingMs CPU time that the serving processes have used so far
   */
  async during(action, servingMs) {
    const first = this.#reference();
    const ownBefore = ownMs() + (await servingMs());
    const before = await hostTimes();
    const result = await action();
    const after = await hostTimes();
    const own = ownMs() + (await servingMs()) - ownBefore;
    const slowdown = Math.max(first, this.#reference());
    const load = before && after ? loadBetween(before, after, own, availableParallelism()) : undefined;
    return { result, disturbed: complaint(load, slowdown) };
  }

  /** How many times as long as it took at best. */
  #reference() {
    const times = Array.from({ length: RUNS }, referenceMs);
    const totalMs = times.reduce((sum, each) => sum + each, 0);
    this.#usualMs = Math.min(this.#usualMs, totalMs);
    return totalMs / this.#usualMs;
  }
}

function complaint({ stolenShare, foreignCores } = { stolenShare: 0, foreignCores: 0 }, slowdown) {
  if (foreignCores > MOST_FOREIGN) return `other programs kept ${foreignCores.toFixed(1)} cores busy`;
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

function ownMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
