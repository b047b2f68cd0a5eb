/**
 * Writes `profiles/capacity/limit-table.json`, which the planner reads: `npm run tabulate:limits` (some ten
 * minutes on one core; the same numbers on every machine). Needed when the batch former or the grid changes.
 */
import { join } from 'node:path';
import { writeFileSafely } from '../../models/base/files.ts';
import { packageRoot } from '../../models/base/package.ts';
import { LIMIT_COUNT } from '../../profiles/capacity/limit-table.ts';
import { limitCaseAt, smoothDownward, tabulatedLimit } from '../planning/capacity/tabulate.ts';

const PROGRESS_EVERY = 65;

const limits: number[] = [];
for (let position = 0; position < LIMIT_COUNT; position += 1) {
  limits.push(tabulatedLimit(limitCaseAt(position)));
  if (limits.length % PROGRESS_EVERY === 0) process.stderr.write(`${limits.length} of ${LIMIT_COUNT}\n`);
}
// In thousandths, rounded down: three digits are what the runs can tell.
const content = smoothDownward(limits).map((limit) => Math.floor(limit * 1000));
const file = join(packageRoot, 'profiles/capacity/limit-table.json');
await writeFileSafely(
  file,
  `${JSON.stringify({ unit: 'thousandths of the fluid rate', limits: content })}\n`,
);
