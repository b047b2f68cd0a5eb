import type { V1OwnerReference } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { systemClock } from '../../models/base/clock.ts';
import type { Controller } from '../control/controller.ts';
import { KubernetesPlatform } from '../fleet/kubernetes/kubernetes-platform.ts';
import { KubernetesSecrets } from '../functions/secrets/kubernetes-secrets.ts';
import { clusterImage } from '../gateway/image-reading.ts';
import { type Connection, type ConnectionOptions, connect } from '../kubernetes/connection.ts';
import { Leadership } from '../kubernetes/leadership/leadership.ts';
import { newIdentity, WatchedLease } from '../kubernetes/leadership/watched-lease.ts';
import { FunctionObjects } from '../operator/function-objects.ts';
import { KubernetesFunctions } from '../operator/function-reconciler.ts';
import { resolveImage } from '../operator/image-deployment.ts';
import { API_VERSION, INFERENCE_FUNCTION } from '../operator/inference-function.ts';
import { ProfileTables } from '../operator/profile-tables.ts';
import { StatusWriter } from '../operator/status-writer.ts';
import type { Backend, BackendParts } from './backend.ts';
import type { Candidate, LeaderElection, LeadershipState } from './leader.ts';

const LEASE_NAME = 'infless-autoscaler';

/** One namespace of a cluster: instances are its pods, functions and secrets its objects. */
export class KubernetesBackend implements Backend {
  readonly platform: KubernetesPlatform;
  readonly secrets: KubernetesSecrets;
  readonly namespace: string;
  readonly imageReading = clusterImage;
  readonly election: LeaderElection = { stand: (candidacy) => this.#stand(candidacy) };
  readonly #connection: Connection;
  readonly #objects: FunctionObjects;
  readonly #logger: Logger;

  private constructor(connection: Connection, logger: Logger) {
    this.#connection = connection;
    this.namespace = connection.namespace;
    this.#logger = logger;
    this.#objects = new FunctionObjects(connection, { clock: systemClock, logger });
    this.secrets = new KubernetesSecrets(connection, systemClock);
    this.platform = new KubernetesPlatform({ connection, logger, ownerOf: (name) => this.#ownerOf(name) });
  }

  /**
   * @throws InflessError INVALID_INPUT for an unusable kubeconfig, PLATFORM_FAILED when no cluster answers
   */
  static async connect(options: ConnectionOptions, logger: Logger): Promise<KubernetesBackend> {
    const connection = await connect(options);
    logger.info({ cluster: connection.server, namespace: connection.namespace }, 'connected');
    return new KubernetesBackend(connection, logger);
  }

  attach(controller: Controller): BackendParts {
    const tables = new ProfileTables(this.#connection);
    const parts = { controller, objects: this.#objects, clock: systemClock, logger: this.#logger };
    const registry = new KubernetesFunctions({
      ...parts,
      resolve: (spec, pinned) => resolveImage(spec, tables, pinned),
    });
    return { registry, duties: new StatusWriter({ ...parts, functions: registry }) };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #stand({ gatewayUrl, onChange }: Candidate): LeadershipState {
    const parts = { clock: systemClock, logger: this.#logger };
    const leadership = new Leadership({
      leaseName: LEASE_NAME,
      candidate: { identity: newIdentity(), gatewayUrl: reachable(gatewayUrl) },
      lease: new WatchedLease(this.#connection, LEASE_NAME, parts),
      onChange,
      ...parts,
    });
    leadership.start();
    return leadership;
  }

  /** With its function, a pod goes, whatever becomes of the autoscaler. */
  #ownerOf(functionName: string): V1OwnerReference | undefined {
    const { uid } = this.#objects.get(functionName)?.metadata ?? {};
    if (uid === undefined) return undefined;
    return {
      apiVersion: API_VERSION,
      kind: INFERENCE_FUNCTION.kind,
      name: functionName,
      uid,
      controller: true,
    };
  }
}

/** In a pod, by its address: it listens on all of them, and tells so. */
function reachable(gatewayUrl: string): string {
  const { POD_IP } = process.env;
  if (!POD_IP) return gatewayUrl;
  const host = POD_IP.includes(':') ? `[${POD_IP}]` : POD_IP;
  return `http://${host}:${new URL(gatewayUrl).port}`;
}
