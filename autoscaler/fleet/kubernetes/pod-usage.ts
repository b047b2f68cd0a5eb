import type { Instance } from '../../cluster/instance.ts';
import { isNotFound, isTransient } from '../../kubernetes/api-errors.ts';
import type { Connection } from '../../kubernetes/connection.ts';
import { parseQuantity } from '../../kubernetes/quantity.ts';
import { ResourceClient, type ResourceKind } from '../../kubernetes/resource-client.ts';
import type { InstanceUsage } from '../platform.ts';
import { timeMs } from './pod-state.ts';

const POD_METRICS: ResourceKind = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  plural: 'pods',
  kind: 'PodMetrics',
  namespaced: true,
};

interface PodMetrics {
  readonly timestamp: string;
  readonly containers: readonly { readonly usage: Readonly<Record<string, string>> }[];
}

interface Counted {
  readonly cpuMs: number;
  readonly untilMs: number;
}

/**
 * What pods use, where the cluster has a metrics server. That tells how much CPU a pod used of late, not in
 * all: the time from one look to the next counts as used like that.
 */
export class PodUsage {
  readonly #metrics: ResourceClient;
  readonly #counted = new Map<string, Counted>();

  constructor(connection: Connection) {
    this.#metrics = new ResourceClient(connection, POD_METRICS);
  }

  async of({ id, startedAtMs }: Instance): Promise<InstanceUsage | undefined> {
    const metrics = await this.#read(id);
    if (metrics === undefined) return undefined;
    const { cpuMs, untilMs } = this.#counted.get(id) ?? { cpuMs: 0, untilMs: startedAtMs };
    const nowMs = Math.max(untilMs, timeMs(metrics.timestamp));
    const counted = { cpuMs: cpuMs + (nowMs - untilMs) * used(metrics, 'cpu'), untilMs: nowMs };
    this.#counted.set(id, counted);
    return { cpuMs: counted.cpuMs, memoryBytes: used(metrics, 'memory') };
  }

  forget(id: string): void {
    this.#counted.delete(id);
  }

  async #read(id: string): Promise<PodMetrics | undefined> {
    try {
      return (await this.#metrics.get(id)) as unknown as PodMetrics | undefined;
    } catch (error) {
      if (isNotFound(error) || isTransient(error)) return undefined;
      throw error;
    }
  }
}

function used({ containers }: PodMetrics, resource: string): number {
  return containers.reduce((sum, { usage }) => sum + parseQuantity(usage[resource] ?? '0'), 0);
}
