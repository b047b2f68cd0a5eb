import type { Cell } from '../../profiles/table.ts';

/** CPU time over that of the cells that do not spin, from which on spinning is what eats the quota. */
const EXCESS = 1.3;

/** Whether a cell's threads burn the quota while they wait: its rows cost much more CPU time than the same batch without spinning. */
export function isSpinning(cell: Cell, cells: readonly Cell[]): boolean {
  if (!cell.spinning || cell.gpuPercent > 0) return false;
  const quiet = cells.filter((other) => !other.spinning && other.batch === cell.batch && other.cpuMs > 0);
  if (quiet.length === 0) return false;
  return cell.cpuMs > EXCESS * Math.min(...quiet.map(({ cpuMs }) => cpuMs));
}
