import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { Controller } from '../../../autoscaler/control/controller.ts';
import { DEFAULT_CONTROL_SETTINGS } from '../../../autoscaler/control/settings.ts';
import { type Connection, connect } from '../../../autoscaler/kubernetes/connection.ts';
import { FunctionObjects } from '../../../autoscaler/operator/function-objects.ts';
import { KubernetesFunctions } from '../../../autoscaler/operator/function-reconciler.ts';
import { resolveImage } from '../../../autoscaler/operator/image-deployment.ts';
import type { InferenceFunction } from '../../../autoscaler/operator/inference-function.ts';
import { ProfileTables } from '../../../autoscaler/operator/profile-tables.ts';
import { StatusWriter } from '../../../autoscaler/operator/status-writer.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import { SimulatedCluster } from '../../../autoscaler/simulation/cluster/simulated-cluster.ts';
import { SimulatedPlatform } from '../../../autoscaler/simulation/cluster/simulated-platform.ts';
import { SimulatedTransport } from '../../../autoscaler/simulation/cluster/simulated-transport.ts';
import { systemClock } from '../../../models/base/clock.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import type { ApiServer } from '../../support/kubernetes/api-server.ts';
import { functionsPath } from '../../support/kubernetes/inference-functions.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { advance } from '../../support/virtual-time.ts';

const SILENT = pino({ level: 'silent' });

/**
 * One replica of an autoscaler as far as functions go: the API is a server's, the instances are simulated.
 * Instances, retries and status reports have a virtual clock; the watch goes by the real one, as the server
 * does.
 */
export class FunctionsWorld {
  readonly clock: VirtualClock;
  readonly connection: Connection;
  readonly controller: Controller;
  readonly objects: FunctionObjects;
  readonly functions: KubernetesFunctions;
  readonly writer: StatusWriter;
  readonly #server: ApiServer;
  readonly #cluster: SimulatedCluster;
  #isClosed = false;

  private constructor(server: ApiServer, connection: Connection, predecessor?: FunctionsWorld) {
    this.#server = server;
    this.connection = connection;
    this.clock = predecessor?.clock ?? new VirtualClock(Date.parse('2026-11-23T12:00:00Z'));
    const { clock } = this;
    const cluster = predecessor === undefined ? smallCluster(clock) : predecessor.#cluster;
    this.#cluster = cluster;
    this.controller = new Controller({
      platform: new SimulatedPlatform(cluster),
      clock,
      transport: new SimulatedTransport({ cluster, executionMs: () => 10 }),
      rates: percentileRateModel,
      settings: DEFAULT_CONTROL_SETTINGS,
      logger: SILENT,
    });
    this.objects = new FunctionObjects(connection, { clock: systemClock, logger: SILENT });
    const tables = new ProfileTables(connection);
    const parts = { controller: this.controller, objects: this.objects, clock, logger: SILENT };
    this.functions = new KubernetesFunctions({
      ...parts,
      resolve: (spec, pinned) => resolveImage(spec, tables, pinned),
    });
    this.writer = new StatusWriter({ ...parts, functions: this.functions });
  }

  /** @param predecessor that ends, and leaves what runs to this one */
  static async open(
    server: ApiServer,
    namespace: string,
    predecessor?: FunctionsWorld,
  ): Promise<FunctionsWorld> {
    await predecessor?.close();
    const connection = await connect({ kubeconfig: server.kubeconfig, namespace });
    const world = new FunctionsWorld(server, connection, predecessor);
    await world.controller.open();
    await world.functions.open(undefined);
    onTestFinished(() => world.close());
    return world;
  }

  advance(durationMs: number): Promise<void> {
    return advance(this.clock, durationMs);
  }

  /** As kubectl does it. */
  create(name: string, spec: Partial<InferenceFunction['spec']>, metadata: object = {}) {
    return this.#server.requests.create(functionsPath(this.connection.namespace), {
      apiVersion: 'infless.io/v1alpha1',
      kind: 'InferenceFunction',
      metadata: { name, ...metadata },
      spec: { slo: { latency: '200ms' }, ...spec },
    });
  }

  patch(name: string, patch: object) {
    return this.#server.requests.patch(functionsPath(this.connection.namespace, name), patch);
  }

  delete(name: string) {
    return this.#server.requests.delete(functionsPath(this.connection.namespace, name));
  }

  async stored(name: string): Promise<InferenceFunction> {
    const object = await this.#server.requests.get(functionsPath(this.connection.namespace, name));
    return object as unknown as InferenceFunction;
  }

  /** What a function's instances run. */
  imageOf(name: string): string | undefined {
    return this.controller.find(name)?.deployment.workload.model;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.writer.stop();
    await this.functions.close();
    await this.controller.close('leave');
    await this.connection.close();
  }
}

function smallCluster(clock: VirtualClock): SimulatedCluster {
  return new SimulatedCluster({
    clock,
    nodes: [
      nodeCapacity({
        name: 'node',
        labels: { 'kubernetes.io/arch': 'amd64' },
        cpuMillicores: 32_000,
        memoryBytes: 64e9,
        gpuPercents: [],
      }),
    ],
    startUp: ({ functionName }) => ({
      afterMs: 1_000,
      ...(functionName === 'doomed' ? { failure: 'out of luck' } : {}),
    }),
  });
}
