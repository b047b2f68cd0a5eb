import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { Instance } from '../../../../autoscaler/cluster/instance.ts';
import {
  KubernetesPlatform,
  type KubernetesPlatformOptions,
} from '../../../../autoscaler/fleet/kubernetes/kubernetes-platform.ts';
import type { StartRequest } from '../../../../autoscaler/fleet/platform.ts';
import type { Workload } from '../../../../autoscaler/functions/deployment.ts';
import { type Connection, connect } from '../../../../autoscaler/kubernetes/connection.ts';
import { type ApiServer, newNamespace } from '../../../support/kubernetes/api-server.ts';
import { measurePod } from '../../../support/kubernetes/metrics-server.ts';
import { type PodPart, PodPlayer } from '../../../support/kubernetes/pod-player.ts';
import { resourcesOf } from '../../../support/resources.ts';
import type { PlatformHarness } from '../platform-contract.ts';

/** Long, since it is only met by what never happens. */
const GIVE_UP_MS = 60_000;

/** The Kubernetes platform on an API server of the test's, with pods that are played. */
export class KubernetesHarness implements PlatformHarness {
  readonly server: ApiServer;
  readonly connection: Connection;
  readonly player: PodPlayer;
  readonly node: string;
  readonly workload = workloadOf('serves');
  readonly broken = { workload: workloadOf('image-missing'), reason: /cannot be pulled.*not found/ };
  readonly tellsUsage: boolean;

  private constructor(server: ApiServer, connection: Connection, tellsUsage: boolean) {
    const { namespace } = connection;
    this.server = server;
    this.connection = connection;
    this.tellsUsage = tellsUsage;
    this.player = new PodPlayer(server.requests, namespace, async (name) => {
      if (tellsUsage) await measurePod(server, namespace, name, { cpu: '250m', memory: '90Mi' });
    });
    this.node = `${connection.namespace}-node`;
  }

  /**
   * A namespace and a node of its own on a server that tests may share.
   *
   * @param tellsUsage the server has metrics installed
   */
  static async open(server: ApiServer, tellsUsage = false): Promise<KubernetesHarness> {
    const namespace = await newNamespace(server);
    const connection = await connect({ kubeconfig: server.kubeconfig, namespace });
    const harness = new KubernetesHarness(server, connection, tellsUsage);
    await harness.player.addNode(harness.node);
    return harness;
  }

  create(options: Partial<KubernetesPlatformOptions> = {}): KubernetesPlatform {
    return new KubernetesPlatform({
      connection: this.connection,
      logger: pino({ level: 'silent' }),
      ...options,
    });
  }

  request(id: string, part: PodPart = 'serves', change: Partial<StartRequest> = {}): StartRequest {
    const { config = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 } } = change;
    return {
      id,
      functionName: 'greeter',
      config,
      node: this.node,
      resources: resourcesOf(config, 256 * 2 ** 20),
      workload: workloadOf(part),
      ...change,
    };
  }

  crash({ id }: Instance): Promise<void> {
    return this.player.end(id, 137);
  }

  async leftovers(): Promise<string[]> {
    return (await this.player.pods()).map(({ metadata }) => `pod ${metadata?.name}`);
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (!(await condition())) {
      if (performance.now() > giveUpAt)
        throw new Error(`did not happen within ${GIVE_UP_MS} ms: ${condition}`);
      await sleep(5);
    }
  }

  finish<T>(promise: Promise<T>): Promise<T> {
    return promise;
  }

  async dispose(): Promise<void> {
    await this.player.close();
    await this.connection.close();
  }
}

export function workloadOf(part: PodPart): Workload {
  return {
    version: 'v1',
    model: `example/${part}`,
    modelName: 'greeter',
    sloMs: 200,
    environment: {},
    secrets: [],
  };
}
