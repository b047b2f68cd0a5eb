import {
  LIMIT_AXES,
  LIMIT_GRID,
  LIMIT_STRIDES,
  LIMIT_TREND,
  type LimitAxis,
  type LimitCase,
} from '../../../profiles/capacity/limit-table.ts';
import { loadLimit } from './load-limit.ts';

/** The lowest limit over these seeds is kept: one lucky run promises nothing. */
const SEEDS = [1, 2];
const REQUESTS = 20_000;
const STEPS = 9;

/** The case at a position of the flattened table. */
export function limitCaseAt(position: number): LimitCase {
  const value = (axis: LimitAxis): number =>
    LIMIT_GRID[axis][Math.floor(position / LIMIT_STRIDES[axis]) % LIMIT_GRID[axis].length]!;
  return {
    percentile: value('percentile'),
    arrivalCv: value('arrivalCv'),
    servers: value('servers'),
    maxBatch: value('maxBatch'),
    timeRatio: value('timeRatio'),
  };
}

/** One entry as the table holds it before smoothing. */
export function tabulatedLimit(limitCase: LimitCase): number {
  return Math.min(...SEEDS.map((seed) => loadLimit(limitCase, { requests: REQUESTS, seed, steps: STEPS })));
}

/**
 * Takes the noise of finite runs out: along every axis whose direction is known, no entry may promise more
 * than a neighbour in an easier position. Only ever lowers entries.
 */
export function smoothDownward(limits: number[]): number[] {
  const smooth = [...limits];
  for (const axis of LIMIT_AXES) {
    const trend = LIMIT_TREND[axis];
    if (trend === 0) continue;
    const stride = LIMIT_STRIDES[axis];
    const length = LIMIT_GRID[axis].length;
    const positions = smooth.map((_, position) => (trend < 0 ? position : smooth.length - 1 - position));
    for (const position of positions) {
      const place = Math.floor(position / stride) % length;
      const easier = position + (trend < 0 ? -stride : stride);
      if (trend < 0 ? place === 0 : place === length - 1) continue;
      smooth[position] = Math.min(smooth[position]!, smooth[easier]!);
    }
  }
  return smooth;
}
