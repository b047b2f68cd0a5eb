import type { V1Node, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { capacityOf, takesInstances } from '../../../../autoscaler/fleet/kubernetes/cluster-nodes.ts';
import { requestedBy } from '../../../../autoscaler/fleet/kubernetes/gpu/amounts.ts';
import { NodeRequests } from '../../../../autoscaler/fleet/kubernetes/node-requests.ts';
import { nodeCapacity } from '../../../support/resources.ts';

const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

let pods = 0;

function podOn(nodeName: string | undefined, spec: Partial<V1PodSpec>): V1Pod {
  const metadata = { name: `pod-${++pods}`, namespace: 'theirs' };
  return { metadata, spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }), ...spec } };
}

const container = (cpu: string, memory: string) => ({
  name: 'x',
  resources: { requests: { cpu, memory } },
});

describe('a node', () => {
  it('has what is allocatable, but for what pods of others have asked for', () => {
    const node: V1Node = {
      metadata: { name: 'one', labels: { zone: 'a', 'nvidia.com/gpu.memory': '15360' } },
      status: { ...READY, allocatable: { cpu: '3920m', memory: '1Gi', pods: '110', 'nvidia.com/gpu': '1' } },
    };
    const requested = new NodeRequests();
    for (const object of [
      podOn('one', { containers: [container('100m', '64Mi'), container('20m', '64Mi')] }),
      podOn('two', { containers: [container('3', '512Mi')] }),
      podOn(undefined, { containers: [container('3', '512Mi')] }),
    ])
      requested.note({ type: 'added', object });
    expect(capacityOf(node, requested.on('one'))).toEqual(
      nodeCapacity({
        name: 'one',
        labels: { zone: 'a', 'nvidia.com/gpu.memory': '15360' },
        cpuMillicores: 3800,
        memoryBytes: 896 * 2 ** 20,
        gpuPercents: [100],
        gpuMemoryBytes: 15 * 2 ** 30,
        gpuSharing: 'whole',
      }),
    );
  });

  it('has given away what its pods ask for now', () => {
    const requested = new NodeRequests();
    const [first, second] = ['100m', '20m'].map((cpu) =>
      podOn('one', { containers: [container(cpu, '64Mi')] }),
    );
    const cpuAfter = (type: 'added' | 'changed' | 'removed', object: V1Pod): number | undefined => {
      expect(requested.note({ type, object })).toBe('one');
      return requested.on('one').get('cpu');
    };
    expect(cpuAfter('added', first!)).toBeCloseTo(0.1);
    expect(cpuAfter('added', second!)).toBeCloseTo(0.12);
    const larger = { ...first!, spec: { ...first!.spec!, containers: [container('1', '64Mi')] } };
    expect(cpuAfter('changed', larger)).toBeCloseTo(1.02);
    expect(cpuAfter('removed', first!)).toBeCloseTo(0.02);
    expect(cpuAfter('removed', second!)).toBeUndefined();
  });

  it('that has given away more than it has, has nothing left', () => {
    const node: V1Node = { status: { allocatable: { cpu: '1', memory: '1Gi' } } };
    expect(capacityOf(node, new Map([['cpu', 2]]))).toMatchObject({ shared: { cpuMillicores: 0 } });
  });

  it.each<[boolean, string, V1Node]>([
    [true, 'is ready', { status: READY }],
    [false, 'is not', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }],
    [false, 'has not said so yet', {}],
    [false, 'is cordoned off', { status: READY, spec: { unschedulable: true } }],
    [false, 'is for others', { status: READY, spec: { taints: [{ key: 'team', effect: 'NoSchedule' }] } }],
    [false, 'is being emptied', { status: READY, spec: { taints: [{ key: 'out', effect: 'NoExecute' }] } }],
    [
      true,
      'is better left alone',
      { status: READY, spec: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] } },
    ],
    [
      true,
      'is for GPUs',
      { status: READY, spec: { taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }] } },
    ],
  ])('takes instances (%s) when it %s', (takes, _, node) => {
    expect(takesInstances(node)).toBe(takes);
  });
});

describe('what a pod asks for', () => {
  const requested = (spec: Partial<V1PodSpec>): Record<string, number> =>
    Object.fromEntries(requestedBy(podOn('one', spec)));

  it('is at least what any of its first steps needs', () => {
    const initContainers = [container('2', '10'), container('1', '500')];
    expect(requested({ initContainers, containers: [container('1500m', '100')] })).toEqual({
      cpu: 2,
      memory: 500,
    });
  });

  it('includes what runs beside it all the time, and what the pod itself costs', () => {
    const sidecar = { ...container('100m', '10'), restartPolicy: 'Always' };
    const overhead = { cpu: '250m', memory: '120' };
    expect(requested({ initContainers: [sidecar], containers: [container('1', '100')], overhead })).toEqual({
      cpu: 1.35,
      memory: 230,
    });
  });

  it('is nothing where it does not say', () => {
    expect(requested({ containers: [{ name: 'x' }] })).toEqual({});
  });
});
