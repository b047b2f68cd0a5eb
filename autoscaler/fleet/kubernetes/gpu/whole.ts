import { amountsOf } from './amounts.ts';
import { GPU_RESOURCE, pieces } from './pieces.ts';
import type { SharingStrategy } from './sharing.ts';

/** A GPU belongs to one pod. */
export const wholeGpus: SharingStrategy = (node, requested) => {
  const all = amountsOf(node.status?.allocatable).get(GPU_RESOURCE) ?? 0;
  const free = Math.max(0, all - (requested.get(GPU_RESOURCE) ?? 0));
  const whole = Array.from({ length: free }, () => ({ resource: GPU_RESOURCE, percent: 100 }));
  return pieces('whole', whole, all === 0 ? 'it has none' : 'its GPUs are given to one pod each');
};
