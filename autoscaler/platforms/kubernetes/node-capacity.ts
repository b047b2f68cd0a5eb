import type { V1Node } from '@kubernetes/client-node';
import type { NodeCapacity } from '../../cluster/node.ts';
import { type Amounts, amountsOf } from '../../fleet/kubernetes/gpu/amounts.ts';
import { gpuSharingOf } from '../../fleet/kubernetes/gpu/strategies.ts';
import { repels } from './tolerations.ts';

/** Whether pods of ours can be started there: it is ready, not cordoned off, and has no taint that keeps them away. */
export function takesInstances(node: V1Node): boolean {
  return isReady(node) && node.spec?.unschedulable !== true && !(node.spec?.taints ?? []).some(repels);
}

export function isReady({ status }: V1Node): boolean {
  return (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** What a node has left for instances, given what all pods but ours have asked for on it. */
export function capacityOf(node: V1Node, requested: Amounts): NodeCapacity {
  const allocatable = amountsOf(node.status?.allocatable);
  const free = (resource: string): number =>
    Math.max(0, (allocatable.get(resource) ?? 0) - (requested.get(resource) ?? 0));
  return {
    name: node.metadata?.name ?? '',
    labels: node.metadata?.labels ?? {},
    cpuMillicores: Math.floor(free('cpu') * 1000),
    memoryBytes: Math.floor(free('memory')),
    gpuPercents: gpuSharingOf(node, requested).percents,
  };
}
