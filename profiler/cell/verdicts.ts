/** What may be wrong with one measurement, each as a function of what was seen. Nothing is measured here. */
import type { Cell, Verdict } from '../../profiles/table.ts';
import type { HostLoad } from './host-load.ts';
import type { Warmth } from './steady-state.ts';

/** A measurement and its circumstances. */
export interface MeasuredCell {
  readonly cell: Cell;
  readonly warmth: Warmth;
  /** Undefined where the system does not tell. */
  readonly load: HostLoad | undefined;
  /** Warming up, samples and yardstick together. */
  readonly measuringMs: number;
}

/** Of a core: what a quiet host does beside. */
const QUIET_CORES = 0.1;
const TOLERATED_STEAL = 0.02;
/** A batch that waits so many times longer than it computes is not one that computes slowly. */
const WAITING = 10;
/** Periods in which a quota that covers all threads may still be used up, by what else a process does. */
const TOLERATED_THROTTLING = 0.6;

/** What a second try may mend, in the order in which it is told. */
const PASSING: readonly Verdict[] = [
  'batch-not-filled',
  'noisy-host',
  'drifting',
  'not-warm',
  'non-monotone',
  'gpu-throttled',
  'gpu-shared',
];

/** Whether measuring again may give a better cell; what is not passing is how this config is. */
export function isPassing(verdict: Verdict): boolean {
  return PASSING.includes(verdict);
}

export function verdictsOn(evidence: MeasuredCell): Verdict[] {
  const { cell } = evidence;
  return [
    ...(isBatchUnfilled(cell) ? (['batch-not-filled'] as const) : []),
    ...(isHostNoisy(evidence) ? (['noisy-host'] as const) : []),
    ...(evidence.warmth === 'unsteady' ? (['not-warm'] as const) : []),
    ...(isGpuThrottled(cell) ? (['gpu-throttled'] as const) : []),
    ...((cell.gpu?.otherProcesses ?? 0) > 0 ? (['gpu-shared'] as const) : []),
    ...(isThrottled(cell) ? (['throttled'] as const) : []),
  ];
}

/** Batches were waited for, not computed: their time is that of a time-out. */
export function isBatchUnfilled(cell: Cell): boolean {
  if (cell.gpuPercent > 0 || cell.cpuMs === 0) return false;
  return cell.latencyMs.mean > WAITING * (cell.cpuMs / Math.min(1, cell.cpuMillicores / 1000));
}

/** Others left less than the config may use: its share of the cores, as far as it has threads for it. */
export function isHostNoisy({ cell, load }: Pick<MeasuredCell, 'cell' | 'load'>): boolean {
  if (isDisturbed(cell)) return true;
  if (load === undefined) return false;
  const wanted = Math.min(cell.threads, cell.cpuMillicores / 1000);
  return load.stolenShare > TOLERATED_STEAL || load.foreignCores + wanted > load.cores + QUIET_CORES;
}

/** Heat or power, not the limit that is always there. */
const GPU_SLOWDOWN = /slowdown/;

/** The GPU slowed down to protect itself: it will not always. */
export function isGpuThrottled({ gpu }: Cell): boolean {
  return gpu?.throttleReasons?.some((reason) => GPU_SLOWDOWN.test(reason)) ?? false;
}

/**
 * The quota was used up although its threads cannot: collecting garbage and compiling take from it as well.
 */
export function isThrottled({ throttling, threads, cpuMillicores }: Cell): boolean {
  if (throttling === null || throttling.periods === 0 || threads * 1000 > cpuMillicores) return false;
  return throttling.throttledPeriods / throttling.periods > TOLERATED_THROTTLING;
}

/**
 * How much longer than explained a batch may take: the kernel's accounting and a period's edge are not exact.
 */
const DISTURBANCE_TOLERANCE = 1.25;

/**
 * Whether batches took longer than the CPU they used explains, because something else on the host wanted the
 * same cores. At least one thread of a batch is always running or throttled: a core's worth of quota or more
 * is done within its CPU time, a fraction of a core within CPU time over quota. Anything beyond was waiting.
 */
export function isDisturbed(cell: Cell): boolean {
  if (cell.gpuPercent > 0) return false; // there the CPU waits for the GPU, as it should
  const explainedMs = cell.cpuMs / Math.min(1, cell.cpuMillicores / 1000);
  return cell.latencyMs.mean > DISTURBANCE_TOLERANCE * explainedMs;
}

/**
 * How much faster or slower than usual a host may be for its cells to be put right by a factor alone: another
 * clock, not another neighbour.
 */
const DRIFT_TOLERANCE = 1.25;

/** Whether the host was another one while this cell was measured: heat, its clock, a neighbour that stays. */
export function hasDrifted({ speedFactor = 1 }: Cell): boolean {
  return speedFactor > DRIFT_TOLERANCE || speedFactor < 1 / DRIFT_TOLERANCE;
}
