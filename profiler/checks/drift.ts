import type { Cell } from '../../profiles/table.ts';

/** Half of what two hosts that count as the same may differ by; less is how a cell differs from itself. */
const TOLERANCE = 0.05;

/** Whether a host has become another one (clock, heat, a neighbour that stays): a cell measured again is apart from itself. */
export function hasDrifted(before: Cell, after: Cell): boolean {
  const [lowBefore, highBefore] = before.latencyMs.meanInterval;
  const [lowAfter, highAfter] = after.latencyMs.meanInterval;
  return lowAfter > highBefore * (1 + TOLERANCE) || lowBefore > highAfter * (1 + TOLERANCE);
}
