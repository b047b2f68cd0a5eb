import { isDeepStrictEqual } from 'node:util';
import type { V1Node, V1Pod, V1Taint } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { formatDuration } from '../../../models/base/units.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { Connection } from '../../kubernetes/connection.ts';
import { Informer, type InformerEvent } from '../../kubernetes/informer.ts';
import { NODES, PODS } from '../../kubernetes/kinds.ts';
import { ResourceClient } from '../../kubernetes/resource-client.ts';
import { type Amounts, amountsOf, requestedBy } from './gpu/amounts.ts';
import type { GpuClaim } from './gpu/sharing.ts';
import { claimGpu, gpuSharingOf } from './gpu/strategies.ts';
import { OWNER_LABEL } from './labels.ts';
import { NodeRequests } from './node-requests.ts';

export interface ClusterNodesParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a node may be not ready until what runs there counts as lost. */
  readonly patienceMs: number;
  readonly onLost: (node: string, reason: string) => void;
}

/** The cluster's nodes, and what pods that are none of our instances have asked for on them. */
export class ClusterNodes {
  readonly #parts: ClusterNodesParts;
  readonly #nodes: Informer<V1Node>;
  readonly #others: Informer<V1Pod>;
  /** Of nodes that take instances. */
  readonly #capacities = new Map<string, NodeCapacity>();
  /** All of them, as long as none changes. */
  #list: readonly NodeCapacity[] | undefined;
  /** Nodes that may have another capacity by now. */
  readonly #doubtful = new Set<string>();
  readonly #requested = new NodeRequests();
  /** Of nodes that are not ready. */
  readonly #timers = new Map<string, Cancel>();

  constructor(parts: ClusterNodesParts) {
    const { connection, clock, logger } = parts;
    this.#parts = parts;
    this.#nodes = new Informer(
      new ResourceClient<V1Node>(connection, NODES),
      {},
      { clock, logger, keep: withoutImages },
    );
    this.#others = new Informer(
      new ResourceClient<V1Pod>(connection, PODS),
      {
        allNamespaces: true,
        labelSelector: `${OWNER_LABEL}!=${connection.namespace}`,
        fieldSelector: 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed',
      },
      { clock, logger, keep: requestsOnly },
    );
    this.#nodes.onEvent((event) => this.#note(event));
    this.#others.onEvent((event) => {
      const node = this.#requested.note(event);
      if (node !== undefined) this.#doubtful.add(node);
    });
  }

  async start(): Promise<void> {
    await Promise.all([this.#nodes.start(), this.#others.start()]);
  }

  stop(): void {
    this.#nodes.stop();
    this.#others.stop();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  has(name: string): boolean {
    return this.#nodes.get(name) !== undefined;
  }

  /**
   * The same list until a capacity changes: that nodes tell every few minutes that they are there changes
   * none.
   */
  capacities(): readonly NodeCapacity[] {
    for (const name of this.#doubtful) this.#lookAt(name);
    this.#doubtful.clear();
    this.#list ??= [...this.#capacities.values()];
    return this.#list;
  }

  /**
   * @throws InflessError INVALID_INPUT for a node that takes no instances, PLATFORM_FAILED for a share it
   * cannot give
   */
  claimGpu(name: string, percent: number, gpu: number | undefined): GpuClaim {
    const node = this.#nodes.get(name);
    if (node === undefined || !takesInstances(node)) {
      const what = node === undefined ? `There is no node "${name}"` : `Node ${name} takes no instances now`;
      throw new InflessError('INVALID_INPUT', what, {
        remedy: 'Choose one that `kubectl get nodes` shows as Ready.',
      });
    }
    return claimGpu(name, gpuSharingOf(node, this.#requested.on(name)), percent, gpu);
  }

  #lookAt(name: string): void {
    const node = this.#nodes.get(name);
    const capacity =
      node !== undefined && takesInstances(node) ? capacityOf(node, this.#requested.on(name)) : undefined;
    if (isDeepStrictEqual(capacity, this.#capacities.get(name))) return;
    if (capacity === undefined) this.#capacities.delete(name);
    else this.#capacities.set(name, capacity);
    this.#list = undefined;
  }

  #note({ type, object: node }: InformerEvent<V1Node>): void {
    const name = node.metadata?.name ?? '';
    this.#doubtful.add(name);
    const { clock, patienceMs, onLost } = this.#parts;
    if (type !== 'removed' && !isReady(node)) {
      if (this.#timers.has(name)) return;
      const lose = (): void => onLost(name, `its node was not ready for ${formatDuration(patienceMs)}`);
      this.#timers.set(name, clock.at(clock.nowMs() + patienceMs, lose));
      return;
    }
    this.#timers.get(name)?.();
    this.#timers.delete(name);
    if (type === 'removed') onLost(name, 'its node is not there any more');
  }
}

/** The images on a node are most of what there is to say of it. */
function withoutImages(node: V1Node): V1Node {
  if (node.status === undefined) return node;
  const { images: _, ...status } = node.status;
  return { ...node, status };
}

/**
 * Of other people's pods only what they take is of interest: in place of all containers one that asks for it.
 */
function requestsOnly(pod: V1Pod): V1Pod {
  const { name, namespace, uid, resourceVersion } = pod.metadata ?? {};
  const requests = Object.fromEntries([...requestedBy(pod)].map(([key, amount]) => [key, String(amount)]));
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: {
      containers: [{ name: 'all', resources: { requests } }],
      ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    },
  };
}

/**
 * Whether pods of ours can be started there: it is ready, not cordoned off, and has no taint that keeps them
 * away.
 */
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
  const { kind, percents } = gpuSharingOf(node, requested);
  return {
    name: node.metadata?.name ?? '',
    labels: node.metadata?.labels ?? {},
    shared: {
      cpuMillicores: Math.floor(free('cpu') * 1000),
      memoryBytes: Math.floor(free('memory')),
    },
    devices: percents.map((gpuPercent) => ({
      gpuPercent,
      gpuMemoryBytes: gpuMemoryOf(node, gpuPercent),
      sharing: kind,
    })),
  };
}

/** Of a whole GPU, in MiB: set by NVIDIA's feature discovery. */
const GPU_MEMORY_LABEL = 'nvidia.com/gpu.memory';

/** A part of a GPU has as large a part of its memory; without a label there is no limit. */
function gpuMemoryOf({ metadata }: V1Node, percent: number): number {
  const mebibytes = Number(metadata?.labels?.[GPU_MEMORY_LABEL]);
  return mebibytes > 0 ? Math.floor((mebibytes * 2 ** 20 * percent) / 100) : Infinity;
}

/**
 * GPU nodes are commonly tainted with this, for pods that have no use for GPUs; which of ours have, the plan
 * knows.
 */
export const TOLERATIONS = [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] as const;

/** Whether a node's taint keeps pods of ours away. */
export function repels({ key, effect }: V1Taint): boolean {
  if (effect === 'PreferNoSchedule') return false;
  return !TOLERATIONS.some((toleration) => toleration.key === key && toleration.effect === effect);
}
