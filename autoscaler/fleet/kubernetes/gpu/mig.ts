import type { V1Node } from '@kubernetes/client-node';
import { amountsOf } from './amounts.ts';
import { type Piece, pieces } from './pieces.ts';
import type { SharingStrategy } from './sharing.ts';

const SLICE_RESOURCE = /^nvidia\.com\/mig-(\d+)g\./;
const PRODUCT_LABEL = 'nvidia.com/gpu.product';

/**
 * Slices that an administrator has cut GPUs into, each under a resource of its own (the plugin's "mixed"
 * strategy).
 */
export const migSharing: SharingStrategy = (node, requested) => {
  const slicesPerGpu = slicesOf(node);
  const free = [...amountsOf(node.status?.allocatable)].flatMap(([resource, total]): Piece[] => {
    const size = Number(SLICE_RESOURCE.exec(resource)?.[1] ?? 0);
    if (size === 0) return [];
    const percent = (100 * size) / slicesPerGpu;
    const count = Math.max(0, total - (requested.get(resource) ?? 0));
    return Array.from({ length: count }, () => ({ resource, percent }));
  });
  const sizes = [...new Set(free.map(({ percent }) => `${Math.round(percent)} %`))];
  return pieces(
    'mig',
    free,
    sizes.length === 0 ? 'its MIG slices are taken' : `its GPUs are cut by MIG, free are ${sizes.join(', ')}`,
  );
};

/** Into how many compute slices such a GPU can be cut: 7, but for the smaller A30. */
function slicesOf(node: V1Node): number {
  return /\bA30\b/.test(node.metadata?.labels?.[PRODUCT_LABEL] ?? '') ? 4 : 7;
}
