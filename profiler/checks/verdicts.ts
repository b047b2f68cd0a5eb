/** What may be wrong with one measurement, each as a function of what was seen. Nothing is measured here. */
import type { Cell, Verdict } from '../../profiles/table.ts';
import { isDisturbed } from '../disturbance.ts';
import type { Warmth } from '../steady-state.ts';
import type { HostLoad } from './host-load.ts';

/** A measurement and its circumstances. */
export interface Evidence {
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

export function verdictsOn(evidence: Evidence): Verdict[] {
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
export function isHostNoisy({ cell, load }: Pick<Evidence, 'cell' | 'load'>): boolean {
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

/** The quota was used up although its threads cannot: collecting garbage and compiling take from it as well. */
export function isThrottled({ throttling, threads, cpuMillicores }: Cell): boolean {
  if (throttling === null || throttling.periods === 0 || threads * 1000 > cpuMillicores) return false;
  return throttling.throttledPeriods / throttling.periods > TOLERATED_THROTTLING;
}
