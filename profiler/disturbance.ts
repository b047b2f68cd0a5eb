import type { Cell } from '../profiles/table.ts';

/** How much longer than explained a batch may take: the kernel's accounting and a period's edge are not exact. */
const TOLERANCE = 1.25;

/**
 * Whether batches took longer than the CPU they used explains, because something else on the host wanted the
 * same cores. At least one thread of a batch is always running or throttled: a core's worth of quota or more
 * is done within its CPU time, a fraction of a core within CPU time over quota. Anything beyond was waiting.
 */
export function isDisturbed(cell: Cell): boolean {
  if (cell.gpuPercent > 0) return false; // there the CPU waits for the GPU, as it should
  const explainedMs = cell.cpuMs / Math.min(1, cell.cpuMillicores / 1000);
  return cell.latencyMs.mean > TOLERANCE * explainedMs;
}
