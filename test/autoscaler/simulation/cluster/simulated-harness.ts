import type { Instance } from '../../../../autoscaler/cluster/instance.ts';
import type { Workload } from '../../../../autoscaler/functions/deployment.ts';
import { SimulatedCluster } from '../../../../autoscaler/simulation/cluster/simulated-cluster.ts';
import { SimulatedPlatform } from '../../../../autoscaler/simulation/cluster/simulated-platform.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import { nodeCapacity } from '../../../support/resources.ts';
import { advanceThrough, advanceUntil } from '../../../support/virtual-time.ts';
import type { PlatformHarness } from '../../fleet/platform-contract.ts';

/** The simulated platform on a small cluster of its own, in virtual time. */
export class SimulatedHarness implements PlatformHarness {
  readonly tellsUsage = true;
  readonly workload: Workload = {
    version: 'v1',
    model: 'greeter',
    modelName: 'greeter',
    sloMs: 200,
    environment: {},
    secrets: [],
  };
  readonly broken = {
    workload: { ...this.workload, model: 'broken' },
    reason: /out of luck/,
  };
  readonly #clock = new VirtualClock();
  readonly #cluster = new SimulatedCluster({
    clock: this.#clock,
    nodes: [nodeCapacity({ name: 'one', cpuMillicores: 4000, memoryBytes: 8e9, gpuPercents: [] })],
    startUp: ({ workload }) => ({
      afterMs: 800,
      ...(workload.model === 'broken' ? { failure: 'out of luck' } : {}),
    }),
  });

  create(): SimulatedPlatform {
    return new SimulatedPlatform(this.#cluster);
  }

  async crash({ id }: Instance): Promise<void> {
    this.#cluster.crash(id);
  }

  async leftovers(): Promise<string[]> {
    return this.#cluster.instances.map(({ view }) => view.id);
  }

  until(condition: () => boolean): Promise<void> {
    return advanceUntil(this.#clock, condition);
  }

  finish<T>(promise: Promise<T>): Promise<T> {
    return advanceThrough(this.#clock, promise);
  }

  async dispose(): Promise<void> {}
}
