import type { NodeCapacity } from '../../cluster/node.ts';

/** What holding a resource for an hour costs. */
export interface Prices {
  /** As it is printed behind amounts. */
  readonly currency: string;
  readonly perCoreHour: number;
  /** Of a whole GPU; a share costs its share. */
  readonly perGpuHour: number;
  /** Of 10⁹ bytes. */
  readonly perGigabyteHour: number;
}

/** The cluster that a plan is made for. */
export interface Cluster {
  readonly nodes: readonly NodeCapacity[];
  /** Start of an instance to its first answer, in place of what the tables say. */
  readonly startupMs?: number;
  readonly prices?: Prices;
}

/** Amounts held for a while, in unit × ms. */
export interface Held {
  readonly cpuMillicoreMs: number;
  readonly gpuPercentMs: number;
  readonly memoryByteMs: number;
}

/** Where a description does not tell memory: so much that it limits nothing, while sums of it stay exact. */
export const LIMITLESS_BYTES = 1e15;

export function isLimitless(memoryBytes: number): boolean {
  return memoryBytes >= LIMITLESS_BYTES;
}

const HOUR_MS = 3_600_000;

export function costOf(held: Held, prices: Prices): number {
  return (
    ((held.cpuMillicoreMs / 1000) * prices.perCoreHour +
      (held.gpuPercentMs / 100) * prices.perGpuHour +
      (held.memoryByteMs / 1e9) * prices.perGigabyteHour) /
    HOUR_MS
  );
}
