import { InflessError } from '../../../models/base/errors.ts';
import { isSelected, type NodeCapacity, type NodeSelector, selectorText } from '../../cluster/node.ts';

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
  /** How fast batches run on a node, relative to the tables; 1 where a node is not named. */
  readonly speeds?: ReadonlyMap<string, number>;
  readonly prices?: Prices;
}

/** @throws InflessError INVALID_INPUT where a function may run on no node of the cluster */
export function requireSelectable(
  { nodes }: Cluster,
  functions: readonly { readonly spec: { readonly name: string; readonly nodeSelector?: NodeSelector } }[],
): void {
  for (const { spec } of functions) {
    const { name, nodeSelector = {} } = spec;
    if (nodes.some((node) => isSelected(node, nodeSelector))) continue;
    const labels = new Set(
      nodes.map((node) => selectorText(node.labels ?? {})).filter((text) => text !== ''),
    );
    throw new InflessError(
      'INVALID_INPUT',
      `Function "${name}" may only run on nodes with ${selectorText(nodeSelector)}, and the cluster has none`,
      {
        remedy:
          labels.size === 0
            ? 'Give nodes labels in the cluster file, like labels: {gpu: a100}.'
            : `Its nodes have: ${[...labels].join('; ')}.`,
      },
    );
  }
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
