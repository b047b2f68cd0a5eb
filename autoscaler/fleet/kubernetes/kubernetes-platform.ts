import { setMaxListeners } from 'node:events';
import type { V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { isAlreadyExists, platformFailure } from '../../kubernetes/api-errors.ts';
import type { Connection } from '../../kubernetes/connection.ts';
import { Informer, type InformerEvent } from '../../kubernetes/informer.ts';
import { PODS } from '../../kubernetes/kinds.ts';
import { ResourceClient } from '../../kubernetes/resource-client.ts';
import { withRetry } from '../../kubernetes/retry.ts';
import type { InstanceEvent, InstanceUsage, LogLine, LogQuery, Platform, StartRequest } from '../platform.ts';
import { ClusterNodes } from './cluster-nodes.ts';
import { CardPlaces } from './gpu/allocated.ts';
import { INSTANCE_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, OWNER_LABEL, readInstance } from './labels.ts';
import { PodLogs } from './pod-logs.ts';
import { podManifest } from './pod-manifest.ts';
import { removePod } from './pod-removal.ts';
import { PodUsage } from './pod-usage.ts';
import { PodWarnings } from './pod-warnings.ts';
import { type PodPatience, SupervisedPod, type Surroundings } from './supervised-pod.ts';

export interface KubernetesPlatformOptions {
  /** Its namespace is where the pods are. Stays open when the platform closes. */
  readonly connection: Connection;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** The object that a function's pods belong to: they go when it does. */
  readonly ownerOf?: (functionName: string) => V1OwnerReference | undefined;
  /** Default: 5 min to start, 30 s to find room, 15 s without being ready. */
  readonly patience?: Partial<PodPatience>;
  /** How long `close('stop')` lets instances finish. Default 10 s. */
  readonly closeGraceMs?: number;
}

const DEFAULT_PATIENCE: PodPatience = { startTimeoutMs: 300_000, unschedulableMs: 30_000, unreadyMs: 15_000 };

/**
 * Instances as pods. What exists is what the API server says: pods of ours are watched, whoever made them,
 * and an instance is what a pod's state makes of it. So any number of autoscalers can look at the same
 * instances; one of them starts and stops. While the API cannot be reached all stays as it was last known.
 */
export class KubernetesPlatform implements Platform {
  readonly name = 'kubernetes';
  readonly #options: Required<Omit<KubernetesPlatformOptions, 'patience'>>;
  readonly #patience: PodPatience;
  readonly #client: ResourceClient<V1Pod>;
  readonly #pods: Informer<V1Pod>;
  readonly #nodes: ClusterNodes;
  readonly #usage: PodUsage;
  readonly #logs: PodLogs;
  readonly #warnings: PodWarnings;
  readonly #cards = new CardPlaces();
  readonly #instances = new Map<string, SupervisedPod>();
  readonly #starts = new Set<string>();
  readonly #closed = new AbortController();
  #isAdopting = true;
  #listener: ((event: InstanceEvent) => void) | undefined;

  constructor(options: KubernetesPlatformOptions) {
    const { patience, ...rest } = options;
    this.#options = { clock: systemClock, ownerOf: () => undefined, closeGraceMs: 10_000, ...rest };
    this.#patience = { ...DEFAULT_PATIENCE, ...patience };
    setMaxListeners(0, this.#closed.signal); // every start that waits listens to it
    const { connection, clock, logger } = this.#options;
    const isOurs = `${MANAGED_BY_LABEL}=${MANAGED_BY},${OWNER_LABEL}=${connection.namespace}`;
    this.#client = new ResourceClient<V1Pod>(connection, PODS);
    this.#pods = new Informer(this.#client, { labelSelector: isOurs }, { clock, logger, keep: withoutSpec });
    this.#pods.onEvent((event) => this.#note(event));
    this.#nodes = new ClusterNodes({
      connection,
      clock,
      logger,
      patienceMs: this.#patience.unreadyMs,
      onLost: (node, reason) => this.#loseAll(node, reason),
    });
    this.#usage = new PodUsage(connection);
    this.#warnings = new PodWarnings(connection);
    this.#logs = new PodLogs(connection, this.#pods, clock);
  }

  async open(listener: (event: InstanceEvent) => void): Promise<void> {
    this.#listener = listener;
    try {
      await this.#nodes.start();
      await this.#pods.start();
    } catch (error) {
      await this.close('leave');
      throw platformFailure('Pods and nodes of the cluster cannot be watched', error);
    }
    this.#isAdopting = false;
    for (const { identity } of [...this.#instances.values()]) {
      if (!this.#nodes.has(identity.node)) this.#loseAll(identity.node, 'its node is not there any more');
    }
  }

  async nodes(): Promise<readonly NodeCapacity[]> {
    return this.#nodes.capacities();
  }

  instances(): readonly Instance[] {
    return [...this.#instances.values()].filter(({ isOver }) => !isOver).map(({ view }) => view);
  }

  async start(request: StartRequest): Promise<void> {
    const manifest = this.#manifest(request);
    this.#starts.add(request.id);
    try {
      this.#pods.learn(await this.#create(manifest));
    } finally {
      this.#starts.delete(request.id);
    }
  }

  async stop(id: string, graceMs: number): Promise<void> {
    this.#instances.get(id)?.stop(graceMs);
  }

  async usage(id: string): Promise<InstanceUsage | undefined> {
    const instance = this.#instances.get(id);
    return instance === undefined || instance.isOver ? undefined : this.#usage.of(instance.view);
  }

  logs(functionName: string, query: LogQuery): AsyncIterable<LogLine> {
    return this.#logs.of(functionName, query);
  }

  async close(mode: 'leave' | 'stop'): Promise<void> {
    const all = [...this.#instances.values()];
    if (mode === 'stop') {
      for (const instance of all) instance.stop(this.#options.closeGraceMs);
      await Promise.all(all.map(({ finished }) => finished));
    }
    this.#closed.abort();
    this.#pods.stop();
    this.#nodes.stop();
    for (const instance of all) instance.release();
    this.#listener = undefined;
    this.#instances.clear();
  }

  get #surroundings(): Surroundings {
    const { clock, logger } = this.#options;
    return {
      pods: this.#client,
      clock,
      logger,
      patience: this.#patience,
      warnings: this.#warnings,
      cards: this.#cards,
      emit: (event) => {
        if (event.type === 'gone') this.#usage.forget(event.instance.id);
        this.#listener?.(event);
      },
    };
  }

  #note({ type, object: pod }: InformerEvent<V1Pod>): void {
    const name = pod.metadata?.name ?? '';
    const known = this.#instances.get(name);
    if (type === 'removed') {
      this.#instances.delete(name);
      known?.removed(pod);
    } else if (known !== undefined) known.observe(pod);
    else this.#take(name, pod);
  }

  #take(name: string, pod: V1Pod): void {
    const identity = readInstance(pod);
    if (identity !== undefined) {
      const isOwn = this.#starts.has(name);
      const instance = new SupervisedPod(identity, pod, isOwn, this.#surroundings);
      this.#instances.set(name, instance);
      instance.watch(this.#isAdopting);
      return;
    }
    const { logger } = this.#options;
    logger.warn({ pod: name }, 'a pod that bears our labels, but does not say of what, is deleted');
    void removePod(this.#surroundings, pod, 0, this.#closed.signal);
  }

  #loseAll(node: string, reason: string): void {
    for (const instance of [...this.#instances.values()]) {
      if (instance.identity.node === node) instance.lose(reason);
    }
  }

  #manifest(request: StartRequest): V1Pod {
    const { id, node, functionName, config, gpu } = request;
    if (this.#listener === undefined) throw new Error('the platform is not open');
    if (this.#instances.has(id) || this.#starts.has(id)) throw exists(id);
    const { connection, clock, ownerOf } = this.#options;
    return podManifest(request, {
      namespace: connection.namespace,
      startedAtMs: clock.nowMs(),
      gpu: this.#nodes.claimGpu(node, config.gpuPercent, gpu),
      owner: ownerOf(functionName),
    });
  }

  async #create(manifest: V1Pod): Promise<V1Pod> {
    const id = manifest.metadata?.name ?? '';
    try {
      const { signal } = this.#closed;
      return await withRetry(this.#options.clock, () => this.#client.create(manifest), { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw platformFailure(`Instance ${id} cannot be started`, error);
      // An attempt may have succeeded although no answer came.
      const found = await this.#client.get(id);
      if (found !== undefined && isSame(found, manifest)) return found;
      throw exists(id);
    }
  }
}

/** All that is needed of what a pod was made to be stands in its annotation. */
function withoutSpec({ spec: _, ...pod }: V1Pod): V1Pod {
  return pod;
}

function isSame(one: V1Pod, other: V1Pod): boolean {
  return (
    one.metadata?.annotations?.[INSTANCE_ANNOTATION] === other.metadata?.annotations?.[INSTANCE_ANNOTATION]
  );
}

function exists(id: string): InflessError {
  return new InflessError('INVALID_INPUT', `Instance ${id} exists already`, { remedy: 'Choose a new id.' });
}
