import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import { type ApiServer, openApiServer } from '../../../support/kubernetes/api-server.ts';
import { KubernetesHarness, workloadOf } from './kubernetes-harness.ts';
import { KubernetesLife } from './kubernetes-life.ts';

/** For what must not happen while a test runs. */
const NEVER_MS = 3_600_000;
const PATIENT = { startTimeoutMs: NEVER_MS, unschedulableMs: NEVER_MS, unreadyMs: NEVER_MS };

let server: ApiServer;
let harness: KubernetesHarness;
let life: KubernetesLife;

beforeAll(async () => {
  server = await openApiServer();
}, 240_000);
afterAll(() => server.close());
beforeEach(async () => {
  harness = await KubernetesHarness.open(server);
  life = await KubernetesLife.open(harness, { patience: PATIENT });
});
/** Whatever a test did: in the end every instance that was told of is gone, once, and no pod is left. */
afterEach(async () => {
  await life.platform.close('stop');
  expect(await harness.leftovers()).toEqual([]);
  for (const id of new Set(life.events.map(({ instance }) => instance.id))) {
    const phases = life.phasesOf(id);
    expect(phases.filter((phase) => phase === 'gone')).toHaveLength(1);
    expect(phases.at(-1)).toBe('gone');
  }
  await harness.dispose();
});

/** Another life, with its own idea of how long to wait, in place of the one at hand. */
async function liveAnew(patience: Partial<typeof PATIENT>): Promise<void> {
  await life.platform.close('leave');
  life = await KubernetesLife.open(harness, { patience: { ...PATIENT, ...patience } });
}

describe('the pod of an instance', () => {
  it('says all that Kubernetes and the next autoscaler have to know', async () => {
    const owner = {
      apiVersion: 'infless.io/v1alpha1',
      kind: 'InferenceFunction',
      name: 'greeter',
      uid: 'u-1',
    };
    await life.platform.close('leave');
    life = await KubernetesLife.open(harness, { patience: PATIENT, ownerOf: () => owner });
    const workload = {
      ...workloadOf('serves'),
      environment: { GREETING: 'hello $(NAME)' },
      secrets: ['key'],
    };
    const config = { batch: 4, cpuMillicores: 1500, gpuPercent: 0 };
    await life.platform.start({ ...harness.request('a'), config, workload });

    const [pod] = await harness.player.pods();
    expect(pod?.metadata).toMatchObject({
      name: 'a',
      labels: {
        'app.kubernetes.io/managed-by': 'infless-autoscaler',
        'infless.io/autoscaler': harness.connection.namespace,
        'infless.io/function': 'greeter',
        'infless.io/version': 'v1',
      },
      ownerReferences: [owner],
    });
    const isNode = { key: 'metadata.name', operator: 'In', values: [harness.node] };
    expect(pod?.spec).toMatchObject({
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [isNode] }] },
        },
      },
      volumes: [{ projected: { sources: [{ secret: { name: 'key' } }] } }],
    });
    const container = pod?.spec?.containers[0];
    expect(container).toMatchObject({
      image: 'example/serves',
      resources: {
        requests: { cpu: '1500m', memory: String(256 * 2 ** 20) },
        limits: { cpu: '1500m', memory: String(320 * 2 ** 20) },
      },
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
      volumeMounts: [{ mountPath: '/var/openfaas/secrets', readOnly: true }],
    });
    const environment = Object.fromEntries(container?.env?.map(({ name, value }) => [name, value]) ?? []);
    expect(environment).toEqual({
      GREETING: 'hello $$(NAME)', // which a container gets as hello $(NAME)
      INFLESS_MODEL_NAME: 'greeter',
      INFLESS_INSTANCE_ID: 'a',
      INFLESS_CPU_MILLICORES: '1500',
      INFLESS_GPU_PERCENT: '0',
      INFLESS_MAX_BATCH: '4',
      INFLESS_SLO_MS: '200',
      INFLESS_ORPHAN_MS: '0',
      INFLESS_SECRETS_DIR: '/var/openfaas/secrets',
    });
  });

  it('has the share of a GPU that was planned for it', async () => {
    const gpuNode = `${harness.node}-gpu`;
    await harness.player.addNode(gpuNode, {
      labels: { 'infless.io/gpu-sharing': 'mps', 'nvidia.com/gpu.replicas': '10' },
      resources: { 'nvidia.com/gpu': '10' },
    });
    const offer = async () => (await life.platform.nodes()).find(({ name }) => name === gpuNode);
    await harness.until(async () => (await offer()) !== undefined);
    expect(await offer()).toMatchObject({ devices: [{ gpuPercent: 100 }] });

    const config = { batch: 4, cpuMillicores: 1000, gpuPercent: 30 };
    await life.platform.start({ ...harness.request('a'), node: gpuNode, gpu: 0, config });
    const container = (await harness.player.pods())[0]?.spec?.containers[0];
    expect(container?.resources?.limits).toMatchObject({ 'nvidia.com/gpu': '1' });
    expect(container?.env).toContainEqual({ name: 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE', value: '30' });
    expect(life.find('a')).toMatchObject({ gpu: 0, config });
    await expect(life.platform.start({ ...harness.request('b'), gpu: 0, config })).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      message: expect.stringContaining('it has none'),
    });
  });
});

it('cannot tell what an instance uses where the cluster has no metrics server', async () => {
  await life.startReady('a');
  expect(await life.platform.usage('a')).toBeUndefined();
});

describe('what nodes have to offer', () => {
  it('is what pods of others leave, whatever namespace they are in; ours are not counted', async () => {
    const capacity = async () => (await life.platform.nodes()).find(({ name }) => name === harness.node);
    expect(await capacity()).toMatchObject({ shared: { cpuMillicores: 8_000, memoryBytes: 16 * 2 ** 30 } });
    await life.startReady('a');
    const others = '/api/v1/namespaces/default/pods';
    const other = `${harness.connection.namespace}-other`;
    await server.requests.create(others, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: other },
      spec: {
        nodeName: harness.node,
        containers: [{ name: 'x', image: 'x', resources: { requests: { cpu: '1500m', memory: '4Gi' } } }],
      },
    });
    await harness.until(async () => (await capacity())?.shared.cpuMillicores === 6_500);
    expect(await capacity()).toMatchObject({ shared: { memoryBytes: 12 * 2 ** 30 } });
    await server.requests.patch(`${others}/${other}/status`, { status: { phase: 'Succeeded' } });
    await harness.until(async () => (await capacity())?.shared.cpuMillicores === 8_000);
    await server.requests.delete(`${others}/${other}`, { gracePeriodSeconds: 0 });
  });
});

describe('a pod that does not get on', () => {
  it('is given up when its node has no room for it for long', async () => {
    await liveAnew({ unschedulableMs: 50 });
    await life.start('a', 'unschedulable');
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'its node does not take it: 0/1 nodes are available: 1 Insufficient cpu.',
    });
    await life.untilInStep();
  });

  it('is given up when it is not ready in time', async () => {
    await liveAnew({ startTimeoutMs: 100 });
    await life.start('a', 'loads-for-ever');
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'it was not ready within 100 ms',
    });
    await life.untilInStep();
  });

  it.each([
    ['Unhealthy', 300_000, 'it was not ready within 5 min 00 s: this is why'],
    ['FailedMount', 30_000, 'a volume of it cannot be mounted: this is why'],
  ])('is given up with the warning that an event has of it (%s)', async (reason, afterMs, told) => {
    const virtual = new VirtualClock(Date.now());
    await life.platform.close('leave');
    life = await KubernetesLife.open(harness, { clock: virtual });
    await life.start('a', 'loads-for-ever');
    const [pod] = await harness.player.pods();
    for (const [index, message] of ['an older one', 'this is why'].entries())
      await server.requests.create(`/api/v1/namespaces/${harness.connection.namespace}/events`, {
        metadata: { name: `a-${index}` },
        involvedObject: {
          apiVersion: 'v1',
          kind: 'Pod',
          name: 'a',
          namespace: harness.connection.namespace,
          uid: pod?.metadata?.uid,
        },
        type: 'Warning',
        reason,
        message,
        lastTimestamp: new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString().replace('.000', ''),
      });
    virtual.runUntil(virtual.nowMs() + afterMs);
    expect(await life.untilGone('a')).toMatchObject({ expected: false, reason: told });
  });

  it('is given up at once where trying again would not help', async () => {
    await life.start('a', 'secret-missing');
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'its container cannot be set up: secret "key" not found',
    });
    await life.untilInStep();
  });

  it('says what it said last when it ends by itself, however often it is started', async () => {
    for (const id of ['a', 'b', 'c']) {
      await life.start(id, 'crashes');
      expect(await life.untilGone(id)).toMatchObject({
        expected: false,
        reason: 'it ended by itself, with exit code 3: no model here',
      });
    }
    await life.untilInStep();
  });
});

describe('a pod that is taken from us', () => {
  it('by its node, which runs out of something', async () => {
    await life.startReady('a');
    await harness.player.evict('a', 'The node was low on resource: memory.');
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'it was evicted: The node was low on resource: memory.',
    });
    await life.untilInStep();
  });

  it('by somebody who deletes it: it is not used any more from then on', async () => {
    await life.startReady('a', 'b');
    await harness.player.delete('a');
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'its pod was deleted from outside',
    });
    expect(life.phasesOf('a')).toEqual(['starting', 'ready', 'draining', 'gone']);
    expect(life.find('b')?.phase).toBe('ready');
  });

  it('because it is not ready any more', async () => {
    await liveAnew({ unreadyMs: 50 });
    await life.startReady('a');
    await harness.player.tell('a', { conditions: [{ type: 'Ready', status: 'False' }] });
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'it is not ready any more',
    });
  });
});

describe('a node', () => {
  it('that goes away takes its instances along, and no others', async () => {
    const other = `${harness.node}-2`;
    await harness.player.addNode(other);
    await harness.until(async () => (await life.platform.nodes()).some(({ name }) => name === other));
    await life.startReady('a');
    await life.platform.start({ ...harness.request('b'), node: other });
    await harness.until(() => life.find('b')?.phase === 'ready');

    await harness.player.removeNode(other);
    expect(await life.untilGone('b')).toMatchObject({
      expected: false,
      reason: 'its node is not there any more',
    });
    await life.untilInStep();
    expect(life.find('a')?.phase).toBe('ready');
    await expect(life.platform.start({ ...harness.request('c'), node: other })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('that is not ready for long counts as lost, with instances that never tell their end', async () => {
    await liveAnew({ unreadyMs: 50 });
    await life.start('a', 'never-ends');
    await harness.until(() => life.find('a')?.phase === 'ready');
    await harness.player.changeNode(harness.node, { isReady: false });
    expect(await life.untilGone('a')).toMatchObject({
      expected: false,
      reason: 'its node was not ready for 50 ms',
    });
    await life.untilInStep();
    expect(await life.platform.nodes()).toEqual([]);
  });

  it('that comes back in time keeps them, but takes no new ones meanwhile', async () => {
    await life.startReady('a');
    await harness.player.changeNode(harness.node, { isReady: false });
    await harness.until(async () => (await life.platform.nodes()).length === 0);
    await expect(life.start('b')).rejects.toThrow('takes no instances now');
    await harness.player.changeNode(harness.node, {});
    await harness.until(async () => (await life.platform.nodes()).length === 1);
    await life.startReady('b');
    expect(life.phasesOf('a')).toEqual(['starting', 'ready']);
  });

  it('that went away while nobody looked has lost its instances', async () => {
    await life.startReady('a');
    await life.platform.close('leave');
    await harness.player.removeNode(harness.node);
    life = await KubernetesLife.open(harness);
    expect(await life.untilGone('a')).toMatchObject({ reason: 'its node is not there any more' });
    await life.untilInStep();
  });

  it('that never tells of the end of a pod is not waited for', async () => {
    await life.platform.close('leave');
    const clock = new VirtualClock(Date.now());
    life = await KubernetesLife.open(harness, { clock });
    await life.start('a', 'never-ends');
    await harness.until(() => life.find('a')?.phase === 'ready');
    await life.platform.stop('a', 2_000);
    await harness.until(() => {
      clock.runUntil(clock.nowMs() + 1_000);
      return life.goneOf('a') !== undefined;
    });
    expect(life.goneOf('a')).toMatchObject({ expected: true });
    expect(await harness.leftovers()).toEqual([]);
  });
});

describe('the API server', () => {
  it('restarts in the middle of a scale-out: nothing is lost and nothing leaks', async () => {
    await life.startReady('before');
    const ids = Array.from({ length: 20 }, (_, index) => `a${index}`);
    const starts = Promise.allSettled(ids.map((id) => life.start(id)));
    await server.outage(async () => {
      await expect(life.start('during')).rejects.toMatchObject({ code: 'PLATFORM_FAILED' });
      expect(life.find('before')?.phase).toBe('ready');
    });
    const accepted = (await starts).flatMap(({ status }, index) =>
      status === 'fulfilled' ? [ids[index]!] : [],
    );
    await life.untilInStep();
    await harness.until(() => life.platform.instances().every(({ phase }) => phase === 'ready'));
    for (const id of accepted) expect(life.phasesOf(id)).toEqual(['starting', 'ready']);
    await life.startReady('after');
    expect(life.events.some(({ type }) => type === 'gone')).toBe(false);
  }, 120_000);

  it('is away when an instance is to be stopped: it is not used any more, and is stopped later', async () => {
    await life.startReady('a', 'b');
    await server.outage(async () => {
      await life.platform.stop('a', 5_000);
      expect(life.find('a')?.phase).toBe('draining');
    });
    expect(await life.untilGone('a')).toMatchObject({ expected: true });
    await life.untilInStep();
    expect(life.phasesOf('b')).toEqual(['starting', 'ready']);
  }, 120_000);
});

describe('who comes later', () => {
  it('adopts what is being stopped as that', async () => {
    await life.start('a', 'never-ends');
    await harness.until(() => life.find('a')?.phase === 'ready');
    await life.platform.stop('a', 600_000);
    const deleted = async (): Promise<boolean> =>
      (await harness.player.pods())[0]?.metadata?.deletionTimestamp !== undefined;
    await harness.until(deleted);
    await liveAnew({});
    expect(life.phasesOf('a')).toEqual(['draining']);
    await harness.player.end('a', 0);
    expect(await life.untilGone('a')).toMatchObject({ expected: true });
    const path = `/api/v1/namespaces/${harness.connection.namespace}/pods/a`;
    await server.requests.delete(path, { gracePeriodSeconds: 0 });
  });

  it('does not tell of what has ended, but clears it away', async () => {
    await life.startReady('a', 'b');
    await life.platform.close('leave');
    await harness.player.end('a', 1);
    life = await KubernetesLife.open(harness);
    expect(life.platform.instances().map(({ id }) => id)).toEqual(['b']);
    expect(life.phasesOf('a')).toEqual([]);
    await life.untilInStep();
  });

  it('deletes a pod that bears our labels but does not say of what', async () => {
    await life.startReady('a');
    await life.platform.close('leave');
    const path = `/api/v1/namespaces/${harness.connection.namespace}/pods/a`;
    await server.requests.patch(path, { metadata: { annotations: { 'infless.io/instance': '{}' } } });
    life = await KubernetesLife.open(harness);
    expect(life.platform.instances()).toEqual([]);
    await life.untilInStep();
  });

  it('sees the same instances as who is there already', async () => {
    const other = await KubernetesLife.open(harness);
    await life.startReady('a');
    await harness.until(() => other.find('a')?.phase === 'ready');
    expect(other.find('a')).toEqual(life.find('a'));
    await life.platform.stop('a', 5_000);
    expect(await other.untilGone('a')).toMatchObject({ expected: true });
    expect(other.phasesOf('a').slice(-2)).toEqual(['draining', 'gone']);
    await other.platform.close('leave');
  });
});
