import { pieces } from './pieces.ts';
import { replicaResource, replicasOf } from './replicas.ts';
import type { SharingStrategy } from './sharing.ts';

/**
 * Processes on a GPU get equal turns, so what is sure is an even part: a pod has one replica, and a second
 * one would not give it longer turns.
 */
export const timeSlicing: SharingStrategy = (node, requested) => {
  const { perGpu, free } = replicasOf(node, requested);
  const percent = 100 / perGpu;
  const replica = { resource: replicaResource(node), percent };
  return pieces(
    'time-slicing',
    Array.from({ length: free }, () => replica),
    `its GPUs are shared in ${perGpu} equal turns`,
  );
};
