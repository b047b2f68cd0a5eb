import { addTo, ZERO } from '../../../models/base/resources.ts';
import { totalOf } from '../../cluster/resources.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';
import { type ScalingDecision, shortagesOf } from '../decision.ts';

/** From this share of a resource on that is in use, what one function gets depends on what others have. */
const CONTENDED_SHARE = 0.9;

/**
 * Whether, after a decision, functions have to be planned for all together: somebody is short whom more room
 * would help, or a resource is so far used up that somebody will be.
 */
export function isContended(
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
  const total = totalOf(nodes);
  const used = [...ZERO];
  for (const { needs } of held) addTo(used, needs);
  return total.some((amount, index) => amount > 0 && used[index]! > CONTENDED_SHARE * amount);
}
