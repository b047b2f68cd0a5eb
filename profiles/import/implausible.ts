/** What a rule over neighbouring measurements needs to know of one. */
export interface MeasuredTime {
  readonly batch: number;
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  readonly latencyMs: number;
}

/** Beyond what linear scaling allows, caches, throttling and noise stretch a time by less than this. */
const CREDIBLE_FACTOR = 4;

/**
 * Times that cannot be execution times, judged by their neighbours alone. A batch takes no longer than its
 * requests one by one, and a quota stretches it at most by as much as it is smaller; a pair of cells that
 * breaks this by more than {@link CREDIBLE_FACTOR} contains a wrong one. The cells in most of these
 * contradictions go first, the slower of two in equally many, until none is left: that drops the fewest. (A
 * batch that never fills while it is measured is recorded with its time-out, orders of magnitude beside its
 * neighbours.)
 *
 * @returns for each measurement whether it is implausible, in the order given
 */
export function implausible(times: readonly MeasuredTime[]): boolean[] {
  const conflicts = times.map(() => new Set<number>());
  times.forEach((slow, i) => {
    times.forEach((fast, j) => {
      if (!contradict(slow, fast)) return;
      conflicts[i]!.add(j);
      conflicts[j]!.add(i);
    });
  });
  const dropped = times.map(() => false);
  for (;;) {
    let worst = -1;
    conflicts.forEach(({ size }, i) => {
      if (size === 0) return;
      const best = worst < 0 ? 0 : conflicts[worst]!.size;
      if (size > best || (size === best && times[i]!.latencyMs > times[worst]!.latencyMs)) worst = i;
    });
    if (worst < 0) return dropped;
    dropped[worst] = true;
    for (const other of conflicts[worst]!) conflicts[other]!.delete(worst);
    conflicts[worst]!.clear();
  }
}

/** Whether `slow` takes much longer than linear scaling from `fast` explains. */
function contradict(slow: MeasuredTime, fast: MeasuredTime): boolean {
  // With and without a GPU, different hardware computes: neither bounds the other.
  if (slow.gpuPercent > 0 !== fast.gpuPercent > 0) return false;
  const byBatch = Math.max(1, slow.batch / fast.batch);
  const byCpu = Math.max(1, fast.cpuMillicores / slow.cpuMillicores);
  const byGpu = slow.gpuPercent > 0 ? Math.max(1, fast.gpuPercent / slow.gpuPercent) : 1;
  return slow.latencyMs > CREDIBLE_FACTOR * fast.latencyMs * byBatch * byCpu * byGpu;
}
