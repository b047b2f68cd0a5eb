import type { V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { allocatedCard, CardPlaces } from '../../../../../autoscaler/fleet/kubernetes/gpu/allocated.ts';
import {
  SupervisedPod,
  type Surroundings,
} from '../../../../../autoscaler/fleet/kubernetes/supervised-pod.ts';
import type { InstanceEvent } from '../../../../../autoscaler/fleet/platform.ts';
import { VirtualClock } from '../../../../../models/base/virtual-clock.ts';
import { podInState } from '../pods.ts';

function podOn(resourceID?: string, name = 'nvidia.com/gpu'): V1Pod {
  const pod = podInState({ running: {} });
  if (resourceID !== undefined) {
    pod.status!.containerStatuses![0]!.allocatedResourcesStatus = [
      { name, resources: [{ resourceID, health: 'Healthy' }] },
    ];
  }
  return pod;
}

describe('the card that the kubelet chose', () => {
  it('is told by the replica that the pod has of it', () => {
    expect(allocatedCard(podOn('GPU-1::3'))).toBe('GPU-1');
    expect(allocatedCard(podOn('GPU-1::12', 'nvidia.com/gpu.shared'))).toBe('GPU-1');
  });

  it('is not told of what a pod has alone, of other resources, and by clusters that do not tell', () => {
    expect(allocatedCard(podOn('MIG-1', 'nvidia.com/mig-3g.20gb'))).toBeUndefined();
    expect(allocatedCard(podOn('eth::1', 'example.com/nic'))).toBeUndefined();
    expect(allocatedCard(podOn())).toBeUndefined();
    expect(allocatedCard({})).toBeUndefined();
  });
});

describe('places of cards', () => {
  it('are those that were planned for the first on each, and others’ on a card are there as well', () => {
    const places = new CardPlaces();
    expect(places.placeOf('n', 'GPU-b', 0)).toBe(0);
    expect(places.placeOf('n', 'GPU-a', 0)).toBe(1); // planned together, and not put together
    expect(places.placeOf('n', 'GPU-b', 1)).toBe(0);
    expect(places.placeOf('other', 'GPU-c', 0)).toBe(0);
  });
});

describe('an instance', () => {
  const config = { batch: 1, cpuMillicores: 500, gpuPercent: 25 };
  const identity = { functionName: 'f', version: 'v', config, node: 'n', startedAtMs: 0 };

  it('is on the card that it got, and says so when that is told', () => {
    const events: InstanceEvent[] = [];
    const clock = new VirtualClock();
    const around = {
      clock,
      patience: { startTimeoutMs: 1e9, unschedulableMs: 1e9, unreadyMs: 1e9 },
      cards: new CardPlaces(),
      emit: (event: InstanceEvent) => events.push(event),
    } as unknown as Surroundings;
    const start = (id: string, pod: V1Pod) => {
      const instance = new SupervisedPod({ ...identity, id, gpu: 0 }, pod, true, around);
      instance.watch(false);
      return instance;
    };
    const one = start('one', podOn());
    const two = start('two', podOn());
    expect([one, two].map(({ view }) => view.gpu)).toEqual([0, 0]);
    one.observe(podOn('GPU-a::0'));
    two.observe(podOn('GPU-b::0'));
    expect([one, two].map(({ view }) => view.gpu)).toEqual([0, 1]);
    expect(events.at(-1)).toMatchObject({ type: 'changed', instance: { id: 'two', gpu: 1 } });
    expect(start('adopted', podOn('GPU-b::1')).view.gpu).toBe(1);
    for (const each of [one, two]) each.release();
  });
});
