import { capacityOf, takesInstances } from '../../../../dist/autoscaler/fleet/kubernetes/cluster-nodes.js';
import { NO_GPU } from '../../../../dist/autoscaler/fleet/kubernetes/gpu/strategies.js';
import {
  MANAGED_BY,
  MANAGED_BY_LABEL,
  readInstance,
} from '../../../../dist/autoscaler/fleet/kubernetes/labels.js';
import { NodeRequests } from '../../../../dist/autoscaler/fleet/kubernetes/node-requests.js';
import { podManifest } from '../../../../dist/autoscaler/fleet/kubernetes/pod-manifest.js';
import { stateOf } from '../../../../dist/autoscaler/fleet/kubernetes/pod-state.js';
import { NODES, PODS } from '../../../../dist/autoscaler/kubernetes/kinds.js';
import { ResourceClient } from '../../../../dist/autoscaler/kubernetes/resource-client.js';

/**
 * The plain way to do it: before each step all pods and nodes are listed, and what differs from the last time
 * is told. No watch, nothing learnt from writes.
 */
export class PollingPlatform {
  name = 'polling';
  #pods;
  #nodes;
  #clock;
  #namespace;
  #listener;
  #known = new Map();
  #looking;

  constructor({ connection, clock }) {
    this.#pods = new ResourceClient(connection, PODS);
    this.#nodes = new ResourceClient(connection, NODES);
    this.#namespace = connection.namespace;
    this.#clock = clock;
  }

  async open(listener) {
    this.#listener = listener;
    await this.nodes();
  }

  nodes() {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look() {
    const [{ items: pods }, { items: nodes }] = await Promise.all([
      this.#pods.list({ allNamespaces: true }),
      this.#nodes.list(),
    ]);
    const isOurs = ({ metadata }) => metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY;
    this.#compare(pods.filter(isOurs));
    const requested = new NodeRequests();
    for (const pod of pods) if (!isOurs(pod)) requested.note({ type: 'added', object: pod });
    return nodes.filter(takesInstances).map((node) => capacityOf(node, requested.on(node.metadata.name)));
  }

  instances() {
    return [...this.#known.values()];
  }

  async start(request) {
    const context = {
      namespace: this.#namespace,
      startedAtMs: this.#clock.nowMs(),
      gpu: NO_GPU,
      owner: undefined,
    };
    this.#tell(instanceOf(await this.#pods.create(podManifest(request, context))));
  }

  async stop(id, graceMs) {
    await this.#pods.delete(id, { graceSeconds: Math.ceil(graceMs / 1000) });
    this.#tell({ ...this.#known.get(id), phase: 'draining' });
  }

  async close() {}

  #compare(pods) {
    const gone = new Map(this.#known);
    for (const pod of pods) {
      if (stateOf(pod).kind === 'over') continue;
      const instance = instanceOf(pod);
      gone.delete(instance.id);
      if (this.#known.get(instance.id)?.phase !== instance.phase) this.#tell(instance);
    }
    for (const [id, instance] of gone) {
      this.#known.delete(id);
      const expected = instance.phase === 'draining';
      this.#listener({ type: 'gone', instance, expected, reason: 'it is not there any more' });
      // As the platform does with what its node has ended.
      if (!expected) void this.#pods.delete(id, { graceSeconds: 0 });
    }
  }

  #tell(instance) {
    this.#known.set(instance.id, instance);
    this.#listener({ type: 'changed', instance });
  }
}

function instanceOf(pod) {
  const state = stateOf(pod);
  const isReady = state.kind === 'ready';
  const phase = pod.metadata.deletionTimestamp !== undefined ? 'draining' : isReady ? 'ready' : 'starting';
  const { startedAtMs, ...identity } = readInstance(pod);
  return {
    ...identity,
    phase,
    url: isReady ? `http://${state.ip}:8080` : undefined,
    startedAtMs,
    readyAtMs: isReady ? startedAtMs : undefined,
  };
}
