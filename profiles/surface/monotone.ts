import type { SurfacePoint } from './point.ts';
import { sameThreading } from './point.ts';

/** A time at a point; a fixed one was measured and stays as it is. */
export interface Level {
  readonly point: SurfacePoint;
  readonly ms: number;
  readonly fixed: boolean;
}

/**
 * Times that keep the order which physics gives: with the same threads, more rows are never faster, more CPU
 * or GPU is never slower. First each stays within what was measured on both sides of it, then it becomes the
 * mean (of logarithms) of the highest time below it and the lowest above it, which is in order everywhere and
 * changes nothing where all was in order already. Measured times that contradict each other do so still.
 *
 * @returns milliseconds, in the order given
 */
export function inPhysicalOrder(levels: readonly Level[]): readonly number[] {
  const bounded = levels.map((level) => (level.fixed ? level.ms : within(level, levels)));
  return levels.map(({ point, fixed, ms }, index) => {
    if (fixed) return ms;
    let highestBelow = bounded[index]!;
    let lowestAbove = bounded[index]!;
    for (const [other, otherMs] of bounded.entries()) {
      if (isNoSlower(levels[other]!.point, point)) highestBelow = Math.max(highestBelow, otherMs);
      if (isNoSlower(point, levels[other]!.point)) lowestAbove = Math.min(lowestAbove, otherMs);
    }
    return Math.sqrt(highestBelow * lowestAbove);
  });
}

/** Whether a batch at `a` can take no longer than one at `b`. */
export function isNoSlower(a: SurfacePoint, b: SurfacePoint): boolean {
  return (
    a.batch <= b.batch &&
    a.cpuMillicores >= b.cpuMillicores &&
    a.gpuPercent >= b.gpuPercent &&
    a.gpuPercent > 0 === b.gpuPercent > 0 &&
    sameThreading(a, b)
  );
}

function within({ point, ms }: Level, levels: readonly Level[]): number {
  let least = 0;
  let most = Number.POSITIVE_INFINITY;
  for (const level of levels) {
    if (!level.fixed) continue;
    if (isNoSlower(level.point, point)) least = Math.max(least, level.ms);
    if (isNoSlower(point, level.point)) most = Math.min(most, level.ms);
  }
  return least > most ? Math.sqrt(least * most) : Math.min(Math.max(ms, least), most);
}
