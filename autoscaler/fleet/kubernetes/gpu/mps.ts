import { replicaResource, replicasOf } from './replicas.ts';
import type { SharingStrategy } from './sharing.ts';

/** What a CUDA client of the MPS daemon may use of the SMs, in percent. */
const PERCENT_VARIABLE = 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE';

/**
 * Any percentage, held by the node's MPS daemon. A pod takes one of the replicas under which the device
 * plugin gives out a GPU, whatever its share. Of several GPUs the plugin chooses, and takes the one with the
 * fewest pods.
 */
export const mpsSharing: SharingStrategy = (node, requested) => {
  const { perGpu, total, free } = replicasOf(node, requested);
  const gpus = Math.ceil(total / perGpu);
  // What others use of their replicas is not told: an even part each. The first GPUs are as good as any to
  // count it on.
  let taken = total - free;
  const percents = Array.from({ length: gpus }, () => {
    const here = Math.min(perGpu, taken);
    taken -= here;
    return (100 * (perGpu - here)) / perGpu;
  });
  return {
    kind: 'mps',
    percents,
    terms: `its GPUs are shared by MPS, among at most ${perGpu} pods each`,
    claim: (percent, gpu = 0) =>
      percent > (percents[gpu] ?? 0)
        ? undefined
        : {
            resources: { [replicaResource(node)]: '1' },
            environment: { [PERCENT_VARIABLE]: String(percent) },
          },
  };
};
