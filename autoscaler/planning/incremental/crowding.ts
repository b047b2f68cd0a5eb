import type { ClusterSnapshot } from '../../cluster/snapshot.ts';
import { type ScalingDecision, shortagesOf } from '../decision.ts';

/** From this share of a resource on that is in use, what one function gets depends on what others have. */
const CROWDED_SHARE = 0.9;

/**
 * Whether, after a decision, functions have to be planned for all together: somebody is short whom more room would help, or a
 * resource is so far used up that somebody will be.
 */
export function isCrowded(
  { nodes, instances, leaving }: ClusterSnapshot,
  decision: Pick<ScalingDecision, 'functions'>,
): boolean {
  const isShort = shortagesOf(decision).some(
    ({ missingPerSecond, reason, maxInstances }) =>
      missingPerSecond > 0 && reason === undefined && maxInstances === undefined,
  );
  if (isShort) return true;
  // What is about to start is too little to count, or next time's instances.
  const held = [...instances, ...leaving];
  const isScarce = (used: number, total: number): boolean => total > 0 && used > CROWDED_SHARE * total;
  return (
    isScarce(
      sum(held, ({ config }) => config.cpuMillicores),
      sum(nodes, ({ cpuMillicores }) => cpuMillicores),
    ) ||
    isScarce(
      sum(held, ({ config }) => config.gpuPercent),
      sum(nodes, ({ gpuPercents }) => sum(gpuPercents, (percent) => percent)),
    ) ||
    isScarce(
      sum(held, ({ memoryBytes }) => memoryBytes),
      sum(nodes, ({ memoryBytes }) => memoryBytes),
    )
  );
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
