import type { Cell, ProfileTable } from '../table.ts';

/** Cells in the order people read them: by GPU share, CPU quota, batch. */
export function inReadingOrder(table: ProfileTable): readonly Cell[] {
  return [...table.cells].sort(
    (a, b) => a.gpuPercent - b.gpuPercent || a.cpuMillicores - b.cpuMillicores || a.batch - b.batch,
  );
}
