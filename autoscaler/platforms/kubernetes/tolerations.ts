import type { V1Taint } from '@kubernetes/client-node';

/** GPU nodes are commonly tainted with this, for pods that have no use for GPUs; which of ours have, the plan knows. */
export const TOLERATIONS = [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] as const;

/** Whether a node's taint keeps pods of ours away. */
export function repels({ key, effect }: V1Taint): boolean {
  if (effect === 'PreferNoSchedule') return false;
  return !TOLERATIONS.some((toleration) => toleration.key === key && toleration.effect === effect);
}
