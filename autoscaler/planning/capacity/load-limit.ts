import type { LimitCase } from '../../../profiles/capacity/limit-table.ts';
import { simulatePool } from './pool-simulation.ts';

export interface LimitEffort {
  readonly requests: number;
  readonly seed: number;
  /** Halvings of the search interval; the answer is exact to 1.1 / 2^steps. */
  readonly steps: number;
}

/** Above this share of the fluid rate only chance lets a finite run pass. */
const HIGHEST_LIMIT = 1;

/**
 * The highest load a pool carries with the given percentile in time, as a share of its fluid rate
 * `servers · maxBatch / executionTime`, found by bisection over simulated runs. Every batch is taken to last
 * as long as a full one, which is the worst case.
 */
export function loadLimit(limitCase: LimitCase, effort: LimitEffort): number {
  const { timeRatio, maxBatch, servers } = limitCase;
  const sloMs = 1000;
  const executionMs = timeRatio * sloMs;
  const fluidRatePerSecond = (servers * maxBatch * 1000) / executionMs;
  const pool = Array.from({ length: servers }, () => ({ maxBatch, executionMs: () => executionMs }));
  const allowed = 1 - limitCase.percentile / 100;
  let low = 0;
  let high = HIGHEST_LIMIT * 1.1;
  for (let step = 0; step < effort.steps; step += 1) {
    const middle = (low + high) / 2;
    const { violationShare } = simulatePool({
      servers: pool,
      sloMs,
      ratePerSecond: middle * fluidRatePerSecond,
      arrivalCv: limitCase.arrivalCv,
      latePolicy: 'reject',
      requests: effort.requests,
      seed: effort.seed,
    });
    if (violationShare <= allowed) low = middle;
    else high = middle;
  }
  return Math.min(low, HIGHEST_LIMIT);
}
