import { ApiDouble, type Call } from '../../../support/kubernetes/api-double.ts';
import { PodPlayer } from '../../../support/kubernetes/pod-player.ts';

/** What the measuring process asks for, by IPC. Every request is answered with its `id`. */
export type Ask =
  | {
      readonly what: 'open';
      readonly namespace: string;
      readonly nodes: readonly {
        readonly name: string;
        readonly cores: number;
        readonly gigabytes: number;
      }[];
      /** Of other people, on each node. */
      readonly otherPods: number;
    }
  | { readonly what: 'calls' }
  | { readonly what: 'evict'; readonly pod: string }
  | { readonly what: 'beat'; readonly node: string };

/** Whoever else talks to the API here gives no name: the player of the pods. */
const AUTOSCALER = 'infless-autoscaler';
/** One of them is the watch's. */
const PLAYER_CONNECTIONS = 9;

/**
 * The API server of the benchmark, and the pods on it, in a process of its own: what it takes is not the
 * autoscaler's.
 */
class ApiProcess {
  readonly #double: ApiDouble;
  #calls: Record<string, number> = {};
  #player: PodPlayer | undefined;

  constructor(double: ApiDouble) {
    this.#double = double;
    double.onCall((call) => {
      if (call.agent !== AUTOSCALER) return;
      const verb = verbOf(call);
      this.#calls[verb] = (this.#calls[verb] ?? 0) + 1;
    });
  }

  async answer(ask: Ask): Promise<unknown> {
    switch (ask.what) {
      case 'open':
        await this.#open(ask);
        return this.#double.kubeconfig;
      case 'calls': {
        const calls = this.#calls;
        this.#calls = {};
        return calls;
      }
      case 'evict':
        return this.#player!.evict(ask.pod, 'The node was low on resource: memory.');
      case 'beat':
        return this.#beat(ask.node);
    }
  }

  async #open({ namespace, nodes, otherPods }: Extract<Ask, { what: 'open' }>): Promise<void> {
    const { requests } = this.#double;
    await requests.create('/api/v1/namespaces', { metadata: { name: namespace } });
    this.#player = new PodPlayer(requests, namespace);
    for (const { name, cores, gigabytes } of nodes) {
      await this.#player.addNode(name, { cpu: String(cores), memory: `${gigabytes}Gi` });
      for (let index = 0; index < otherPods; index += 1) {
        await requests.create(
          '/api/v1/namespaces/kube-system/pods',
          otherPod(`other-${index}-${name}`, name),
        );
      }
    }
  }

  /** As kubelet tells every few minutes that its node is still there. */
  async #beat(node: string): Promise<void> {
    const status = { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date() }] };
    await this.#double.requests.patch(`/api/v1/nodes/${node}/status`, { status });
  }
}

function verbOf({ method, path, query }: Call): string {
  if (method !== 'GET') return method.toLowerCase();
  if (query.has('watch')) return 'watch';
  return /\/(pods|nodes)$/.test(path) ? 'list' : 'get';
}

function otherPod(name: string, nodeName: string): object {
  const requests = { cpu: '100m', memory: '100Mi' };
  return {
    metadata: { name },
    spec: { nodeName, containers: [{ name: 'c', image: 'c', resources: { requests } }] },
  };
}

const api = new ApiProcess(await ApiDouble.start(PLAYER_CONNECTIONS));
// In turn: the answer to one is what the next builds on.
let turn = Promise.resolve();
process.on('message', ({ id, ...ask }: Ask & { readonly id: number }) => {
  turn = turn.then(async () => {
    const answer = await api.answer(ask as Ask);
    process.send!({ id, answer });
  });
});
process.once('disconnect', () => process.exit());
