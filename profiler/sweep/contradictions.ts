import { configKey } from '../../profiles/config.ts';
import { isNoSlower } from '../../profiles/surface/monotone.ts';
import type { Cell } from '../../profiles/table.ts';

/**
 * Cells that contradict physics beyond both intervals: more rows in less time, or more CPU or GPU in more,
 * with the same threads. Of each contradiction one cell is wrong; those in the most are named, the slower one
 * of two, since a disturbance slows down.
 */
export function nonMonotone(cells: readonly Cell[]): readonly Cell[] {
  const pairs = cells.flatMap((less) =>
    cells.flatMap((more) => (contradict(less, more) ? [{ less, more }] : [])),
  );
  const blamed: Cell[] = [];
  for (let rest = pairs; rest.length > 0; ) {
    const counts = new Map<Cell, number>();
    for (const cell of rest.flatMap(({ less, more }) => [less, more])) {
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
    const [worst] = [...counts].reduce((a, b) => (isWorse(b, a) ? b : a));
    blamed.push(worst);
    rest = rest.filter(({ less, more }) => less !== worst && more !== worst);
  }
  return blamed;
}

/** `less` should be no slower than `more`, and is. */
function contradict(less: Cell, more: Cell): boolean {
  return (
    configKey(less) !== configKey(more) &&
    isNoSlower(less, more) &&
    less.latencyMs.meanInterval[0] > more.latencyMs.meanInterval[1]
  );
}

function isWorse([a, contradictionsA]: [Cell, number], [b, contradictionsB]: [Cell, number]): boolean {
  return (
    contradictionsA > contradictionsB || (contradictionsA === contradictionsB && slowness(a) > slowness(b))
  );
}

/** Time of a row over what the quota alone makes of it: comparable across cells. */
function slowness({ latencyMs, batch, cpuMillicores, threads }: Cell): number {
  return (latencyMs.mean / batch) * Math.min(cpuMillicores / 1000, threads);
}

/** CPU time over that of the cells that do not spin, from which on spinning is what eats the quota. */
const EXCESS = 1.3;

/**
 * Whether a cell's threads burn the quota while they wait: its rows cost much more CPU time than the same
 * batch without spinning.
 */
export function isSpinning(cell: Cell, cells: readonly Cell[]): boolean {
  if (!cell.spinning || cell.gpuPercent > 0) return false;
  const quiet = cells.filter((other) => !other.spinning && other.batch === cell.batch && other.cpuMs > 0);
  if (quiet.length === 0) return false;
  return cell.cpuMs > EXCESS * Math.min(...quiet.map(({ cpuMs }) => cpuMs));
}
