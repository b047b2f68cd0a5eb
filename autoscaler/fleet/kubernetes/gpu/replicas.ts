import type { V1Node } from '@kubernetes/client-node';
import { type Amounts, amountsOf } from './amounts.ts';
import { GPU_RESOURCE } from './pieces.ts';

export interface Replicas {
  /** How many times the device plugin gives out one GPU. */
  readonly perGpu: number;
  readonly total: number;
  readonly free: number;
}

/** Set by NVIDIA's feature discovery. */
const REPLICAS_LABEL = 'nvidia.com/gpu.replicas';
const COUNT_LABEL = 'nvidia.com/gpu.count';
/** What the plugin calls a shared GPU when it is told to rename it. */
const SHARED_RESOURCE = `${GPU_RESOURCE}.shared`;

/** The resource under which the node gives out GPUs several times. */
export function replicaResource(node: V1Node): string {
  return node.status?.allocatable?.[SHARED_RESOURCE] === undefined ? GPU_RESOURCE : SHARED_RESOURCE;
}

export function replicasOf(node: V1Node, requested: Amounts): Replicas {
  const resource = replicaResource(node);
  const total = amountsOf(node.status?.allocatable).get(resource) ?? 0;
  const labels = node.metadata?.labels ?? {};
  const byCount = total / Math.max(1, Number(labels[COUNT_LABEL] ?? 1));
  const perGpu = Math.max(1, Math.round(Number(labels[REPLICAS_LABEL] ?? byCount)));
  return { perGpu, total, free: Math.max(0, total - (requested.get(resource) ?? 0)) };
}
