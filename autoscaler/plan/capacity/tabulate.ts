/**
 * Writes `limit-table.json`, the load limits that {@link file://./limit-table.ts} reads: `npm run tabulate:limits`
 * (some ten minutes on one core; the same numbers on every machine).
 */
import { join } from 'node:path';
import { writeFileSafely } from '../../../models/base/files.ts';
import { packageRoot } from '../../../models/base/package.ts';
import {
  LIMIT_AXES,
  LIMIT_COUNT,
  LIMIT_GRID,
  LIMIT_STRIDES,
  LIMIT_TREND,
  type LimitAxis,
} from './limit-grid.ts';
import { type LimitCase, loadLimit } from './load-limit.ts';

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

async function main(): Promise<void> {
  const limits: number[] = [];
  for (let position = 0; position < LIMIT_COUNT; position += 1) {
    limits.push(tabulatedLimit(limitCaseAt(position)));
    if (position % 65 === 64) process.stderr.write(`${position + 1} of ${LIMIT_COUNT}\n`);
  }
  // In thousandths, rounded down: three digits are what the runs can tell.
  const content = smoothDownward(limits).map((limit) => Math.floor(limit * 1000));
  const file = join(packageRoot, 'autoscaler/plan/capacity/limit-table.json');
  await writeFileSafely(
    file,
    `${JSON.stringify({ unit: 'thousandths of the fluid rate', limits: content })}\n`,
  );
}

if (process.argv[1]?.endsWith('tabulate.js')) await main();
