import type { V1Node, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { requestedBy } from '../../../../autoscaler/platforms/kubernetes/amounts.ts';
import {
  capacityOf,
  requestsByNode,
  takesInstances,
} from '../../../../autoscaler/platforms/kubernetes/node-capacity.ts';

const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

function podOn(nodeName: string | undefined, spec: Partial<V1PodSpec>): V1Pod {
  return { spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }), ...spec } };
}

const container = (cpu: string, memory: string) => ({
  name: 'x',
  resources: { requests: { cpu, memory } },
});

describe('a node', () => {
  it('has what is allocatable, but for what pods of others have asked for', () => {
    const node: V1Node = {
      metadata: { name: 'one', labels: { zone: 'a' } },
      status: { ...READY, allocatable: { cpu: '3920m', memory: '1Gi', pods: '110', 'nvidia.com/gpu': '1' } },
    };
    const requested = requestsByNode([
      podOn('one', { containers: [container('100m', '64Mi'), container('20m', '64Mi')] }),
      podOn('two', { containers: [container('3', '512Mi')] }),
      podOn(undefined, { containers: [container('3', '512Mi')] }),
    ]);
    expect(capacityOf(node, requested.get('one')!)).toEqual({
      name: 'one',
      labels: { zone: 'a' },
      cpuMillicores: 3800,
      memoryBytes: 896 * 2 ** 20,
      gpuPercents: [100],
    });
  });

  it('that has given away more than it has, has nothing left', () => {
    const node: V1Node = { status: { allocatable: { cpu: '1', memory: '1Gi' } } };
    expect(capacityOf(node, new Map([['cpu', 2]]))).toMatchObject({ cpuMillicores: 0 });
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
