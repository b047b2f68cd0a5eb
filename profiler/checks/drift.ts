import type { Cell } from '../../profiles/table.ts';

/** How much faster or slower than usual a host may be for its cells to be put right by a factor alone: another clock, not another neighbour. */
const TOLERANCE = 1.25;

/** Whether the host was another one while this cell was measured: heat, its clock, a neighbour that stays. */
export function hasDrifted({ speedFactor = 1 }: Cell): boolean {
  return speedFactor > TOLERANCE || speedFactor < 1 / TOLERANCE;
}
