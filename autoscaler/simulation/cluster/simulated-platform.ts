import type { Instance } from '../../cluster/instance.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { InstanceEvent, InstanceUsage, Platform, StartRequest } from '../../fleet/platform.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** How long `close('stop')` lets instances finish. */
const CLOSE_GRACE_MS = 10_000;

/**
 * Instances that pass time instead of computing, for what-if planning and tests: exact and as fast as its
 * clock.
 */
export class SimulatedPlatform implements Platform {
  readonly name = 'simulated';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  async open(listener: (event: InstanceEvent) => void): Promise<void> {
    for (const { view } of this.#cluster.instances) listener({ type: 'changed', instance: view });
    this.#cluster.listen(listener);
  }

  async nodes(): Promise<readonly NodeCapacity[]> {
    return this.#cluster.nodes;
  }

  instances(): readonly Instance[] {
    return this.#cluster.views;
  }

  async start(request: StartRequest): Promise<void> {
    this.#cluster.start(request);
  }

  async stop(id: string, graceMs: number): Promise<void> {
    this.#cluster.find(id)?.stop(graceMs);
  }

  async usage(id: string): Promise<InstanceUsage | undefined> {
    return this.#cluster.find(id)?.usage;
  }

  /** Nothing computes, so nothing is printed. */
  async *logs(): AsyncIterable<never> {}

  async close(mode: 'leave' | 'stop'): Promise<void> {
    if (mode === 'stop') {
      const { instances } = this.#cluster;
      for (const instance of instances) instance.stop(CLOSE_GRACE_MS);
      await Promise.all(instances.map(({ finished }) => finished));
    }
    this.#cluster.listen(undefined);
  }
}
