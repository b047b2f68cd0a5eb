import type { Cell } from '../table.ts';

/** What decides how fast a batch is. */
export type SurfacePoint = Pick<Cell, 'batch' | 'cpuMillicores' | 'gpuPercent' | 'threads' | 'spinning'>;

/** Matérn's covariance of smoothness 3/2: once differentiable, so that it may bend as real curves do. */
export function matern(distance: number, length: number): number {
  const scaled = (Math.sqrt(3) * distance) / length;
  return (1 + scaled) * Math.exp(-scaled);
}

/** Doublings between two numbers above zero. */
export function doublings(a: number, b: number): number {
  return Math.abs(Math.log2(a / b));
}

export function sameThreading(a: SurfacePoint, b: SurfacePoint): boolean {
  return a.threads === b.threads && a.spinning === b.spinning;
}
