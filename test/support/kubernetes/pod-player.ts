import { setTimeout as sleep } from 'node:timers/promises';
import type { V1ContainerState, V1Node, V1Pod, V1PodCondition, V1PodStatus } from '@kubernetes/client-node';
import { ApiRefusal, type ApiRequests } from './api-requests.ts';

/** What becomes of a pod. */
export type PodPart =
  /** Runs and is ready; ends when it is deleted. */
  | 'serves'
  /** Serves, but its node never tells that it has ended. */
  | 'never-ends'
  /** Runs, and never becomes ready. */
  | 'loads-for-ever'
  /** Ends by itself as soon as it runs. */
  | 'crashes'
  | 'image-missing'
  | 'unschedulable'
  | 'secret-missing';

export interface PlayedNode {
  readonly cpu?: string;
  readonly memory?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Extended resources. */
  readonly resources?: Readonly<Record<string, string>>;
  readonly taints?: NonNullable<V1Node['spec']>['taints'];
  readonly isReady?: boolean;
}

const ATTEMPTS = 50;

/**
 * Plays scheduler and kubelet for the pods of one namespace, at once and by the book: binds them to the node
 * that they ask for, tells their status, honours deletion. Which part a pod plays, its image says:
 * `example/<part>`.
 */
export class PodPlayer {
  readonly #requests: ApiRequests;
  readonly #namespace: string;
  readonly #beforeReady: (name: string) => Promise<void>;
  readonly #newAddress: () => Promise<string>;
  readonly #ended = new AbortController();
  readonly #nodes = new Set<string>();
  readonly #busy = new Set<Promise<void>>();
  /** One step of a pod after the other. */
  readonly #turns = new Map<string, Promise<void>>();
  #addresses = 0;
  #isOnStrike = false;

  /**
   * @param beforeReady what else happens on a node before a pod is ready
   * @param newAddress where the next pod answers; default: an address where no one does
   */
  constructor(
    requests: ApiRequests,
    namespace: string,
    beforeReady: (name: string) => Promise<void> = async () => {},
    newAddress = async (): Promise<string> => this.#unusedAddress(),
  ) {
    this.#requests = requests;
    this.#namespace = namespace;
    this.#beforeReady = beforeReady;
    this.#newAddress = newAddress;
    this.#track(this.#watch());
  }

  /** No one minds the pods while `during` runs. */
  async onStrike(during: () => Promise<void>): Promise<void> {
    this.#isOnStrike = true;
    await during();
    this.#isOnStrike = false;
    for (const pod of await this.pods()) this.#play(pod);
  }

  async addNode(name: string, node: PlayedNode = {}): Promise<void> {
    const { taints = [] } = node;
    const labels = { 'kubernetes.io/arch': 'amd64', ...node.labels };
    this.#nodes.add(name);
    await this.#requests.create('/api/v1/nodes', { metadata: { name, labels } });
    await this.changeNode(name, node);
    // A new node is tainted as not ready until a controller has looked at it.
    await this.#requests.patch(`/api/v1/nodes/${name}`, { spec: { taints } });
  }

  async changeNode(name: string, node: PlayedNode): Promise<void> {
    const { cpu = '8', memory = '16Gi', resources = {}, isReady = true } = node;
    const amounts = { cpu, memory, pods: '110', ...resources };
    const condition = { type: 'Ready', status: isReady ? 'True' : 'Unknown', lastTransitionTime: now() };
    const status = { capacity: amounts, allocatable: amounts, conditions: [condition] };
    await this.#requests.patch(`/api/v1/nodes/${name}/status`, { status });
  }

  async removeNode(name: string): Promise<void> {
    this.#nodes.delete(name);
    await this.#requests.delete(`/api/v1/nodes/${name}`);
  }

  /** Asks again where a connection from before an outage turns out to be broken. */
  async pods(): Promise<V1Pod[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#requests.items(this.#path())) as unknown as V1Pod[];
      } catch (error) {
        if (error instanceof ApiRefusal || attempt === ATTEMPTS) throw error;
        await sleep(20);
      }
    }
  }

  /** The container ends, with this code and these last words. */
  async end(name: string, exitCode: number, message = ''): Promise<void> {
    await this.#tell(name, ended(exitCode, message));
  }

  /** As kubelet does when the node runs out of something. */
  async evict(name: string, message: string): Promise<void> {
    await this.#tell(name, { phase: 'Failed', reason: 'Evicted', message });
  }

  async tell(name: string, status: V1PodStatus): Promise<void> {
    await this.#tell(name, status);
  }

  /** Somebody else has it deleted. */
  async delete(name: string): Promise<void> {
    await this.#requests.delete(this.#path(name));
  }

  /** Leaves nothing of the namespace's pods and of its nodes. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all([...this.#busy, ...this.#turns.values()]);
    for (const { metadata } of await this.pods())
      await this.#requests.delete(this.#path(metadata?.name), { gracePeriodSeconds: 0 });
    for (const name of this.#nodes) await this.#requests.delete(`/api/v1/nodes/${name}`);
  }

  /** Whatever breaks, as when the API server is away, begins anew. */
  async #watch(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        const list = await this.#requests.get(this.#path());
        for (const pod of list.items as V1Pod[]) this.#play(pod);
        const { resourceVersion = '' } = list.metadata;
        for await (const { type, object } of this.#requests.watch(
          this.#path(),
          { resourceVersion },
          signal,
        )) {
          if (type === 'ERROR') break;
          if (type !== 'DELETED') this.#play(object as unknown as V1Pod);
        }
      } catch {
        await sleep(20, undefined, { signal }).catch(() => {});
      }
    }
  }

  #play(pod: V1Pod): void {
    if (this.#isOnStrike || this.#ended.signal.aborted) return;
    const name = pod.metadata?.name ?? '';
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(() => this.#step(name, pod));
    this.#turns.set(name, turn);
  }

  async #step(name: string, pod: V1Pod): Promise<void> {
    try {
      await this.#act(name, pod);
    } catch (error) {
      // Another state of it is on its way, or the API server is away and all are listed anew.
      if (error instanceof ApiRefusal && ![404, 409].includes(error.status)) throw error;
    }
  }

  async #act(name: string, { metadata, spec, status }: V1Pod): Promise<void> {
    const part = spec?.containers[0]?.image?.split('/').at(-1) as PodPart;
    const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    if (metadata?.deletionTimestamp !== undefined) {
      if (part === 'never-ends') return;
      if (!isOver) await this.#tell(name, ended(0, ''));
      await this.#requests.delete(this.#path(name), { gracePeriodSeconds: 0 });
    } else if (isOver) return;
    else if (spec?.nodeName === undefined)
      await this.#schedule(name, part, { spec: spec!, ...(status && { status }) });
    else if (status?.containerStatuses === undefined) await this.#run(name, part);
  }

  async #schedule(name: string, part: PodPart, { spec, status }: V1Pod): Promise<void> {
    if (part === 'unschedulable') {
      if (status?.conditions !== undefined) return;
      const message = '0/1 nodes are available: 1 Insufficient cpu.';
      await this.#tell(name, {
        conditions: [{ ...condition('PodScheduled', false), reason: 'Unschedulable', message }],
      });
      return;
    }
    const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const node = terms?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
    await this.#requests.create(this.#path(`${name}/binding`), {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });
  }

  async #run(name: string, part: PodPart): Promise<void> {
    switch (part) {
      case 'image-missing':
        await this.#tell(name, waiting('ErrImagePull', `rpc error: registry.test/${name}: not found`));
        await this.#tell(name, waiting('ImagePullBackOff', `Back-off pulling image "registry.test/${name}"`));
        return;
      case 'secret-missing':
        await this.#tell(name, waiting('CreateContainerConfigError', 'secret "key" not found'));
        return;
      case 'crashes':
        await this.#tell(name, ended(3, 'no model here'));
        return;
      default:
        await this.#beforeReady(name);
        await this.#tell(name, running(await this.#newAddress(), part !== 'loads-for-ever'));
    }
  }

  #unusedAddress(): string {
    this.#addresses += 1;
    return `10.244.${this.#addresses >> 8}.${this.#addresses & 255}`;
  }

  async #tell(name: string, status: V1PodStatus): Promise<void> {
    await this.#requests.patch(this.#path(`${name}/status`), { status });
  }

  #path(name?: string): string {
    const pods = `/api/v1/namespaces/${this.#namespace}/pods`;
    return name === undefined ? pods : `${pods}/${name}`;
  }

  #track(work: Promise<void>): void {
    this.#busy.add(work);
    void work.finally(() => this.#busy.delete(work));
  }
}

function running(podIP: string, isReady: boolean): V1PodStatus {
  const state = { running: { startedAt: now() } };
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: [condition('PodScheduled', true), condition('Ready', isReady)],
    containerStatuses: [container(state, isReady)],
  };
}

function waiting(reason: string, message: string): V1PodStatus {
  return { phase: 'Pending', containerStatuses: [container({ waiting: { reason, message } }, false)] };
}

function ended(exitCode: number, message: string): V1PodStatus {
  const terminated = { exitCode, message, reason: exitCode === 0 ? 'Completed' : 'Error' };
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: [condition('PodScheduled', true), condition('Ready', false)],
    containerStatuses: [container({ terminated }, false)],
  };
}

function container(
  state: V1ContainerState,
  ready: boolean,
): NonNullable<V1PodStatus['containerStatuses']>[number] {
  return { name: 'model', image: 'model', imageID: '', ready, restartCount: 0, state };
}

function condition(type: string, isTrue: boolean): V1PodCondition {
  return { type, status: isTrue ? 'True' : 'False', lastTransitionTime: now() };
}

/** As JSON has it, whatever the library's types say. */
function now(): Date {
  return new Date().toISOString().replace(/\.\d+/, '') as unknown as Date;
}
