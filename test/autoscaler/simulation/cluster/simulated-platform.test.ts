import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeCapacity } from '../../../../autoscaler/cluster/node.ts';
import { InstanceLost } from '../../../../autoscaler/dispatch/dispatch-errors.ts';
import type { InstanceEvent, StartRequest } from '../../../../autoscaler/fleet/platform.ts';
import { SimulatedCluster } from '../../../../autoscaler/simulation/cluster/simulated-cluster.ts';
import { SimulatedTransport } from '../../../../autoscaler/simulation/cluster/simulated-transport.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import { nodeCapacity, resourcesOf } from '../../../support/resources.ts';
import { advance, settle } from '../../../support/virtual-time.ts';

const NODE: NodeCapacity = nodeCapacity({
  name: 'node',
  cpuMillicores: 4_000,
  memoryBytes: 10e9,
  gpuPercents: [100, 100],
});

let clock: VirtualClock;
let cluster: SimulatedCluster;
let events: InstanceEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  events = [];
  cluster = new SimulatedCluster({
    clock,
    nodes: [NODE],
    startUp: () => ({ afterMs: 100 }),
  });
  cluster.listen((event) => events.push(event));
});

function request(id: string, cpuMillicores = 500, gpuPercent = 0, gpu?: number): StartRequest {
  const config = { batch: 4, cpuMillicores, gpuPercent };
  return {
    id,
    functionName: 'f',
    config,
    node: 'node',
    ...(gpu === undefined ? {} : { gpu }),
    resources: resourcesOf(config, 3e9),
    workload: { version: 'v1', model: 'm', modelName: 'm', sloMs: 100, environment: {}, secrets: [] },
  };
}

function transportOf(executionMs: () => number): SimulatedTransport {
  return new SimulatedTransport({ cluster, executionMs });
}

const BODY = { path: '/', contentType: 'text/plain', body: Buffer.from('hello') };

describe('a simulated node', () => {
  it.each([
    ['CPU', [request('a', 3_000), request('b', 1_500)]],
    ['memory', [request('a'), request('b'), request('c'), request('d')]],
    ['GPU', [request('a', 500, 60), request('b', 500, 60), request('c', 500, 60)]],
    ['GPU', [request('a', 500, 60, 1), request('b', 500, 60, 1)]],
  ])('is never over-allocated: %s', (resource, requests) => {
    for (const each of requests.slice(0, -1)) cluster.start(each);
    expect(() => cluster.start(requests.at(-1)!)).toThrow(`Node "node" has not enough ${resource} left`);
    expect(cluster.instances).toHaveLength(requests.length - 1);
  });

  it('has again what an instance held, once that is gone and not before', async () => {
    cluster.start(request('a', 4_000));
    await advance(clock, 100);
    const work = cluster.find('a')!.work(50);
    cluster.find('a')!.stop(1_000);
    expect(() => cluster.start(request('b', 4_000))).toThrow('not enough CPU');
    await advance(clock, 50);
    await work;
    cluster.start(request('b', 4_000));
  });

  it('gives a GPU share of the GPU that was asked for, or of the one that it fills best', () => {
    cluster.start(request('a', 500, 30, 1));
    cluster.start(request('b', 500, 70));
    expect(cluster.find('b')!.view.gpu).toBe(1);
  });
});

describe('a simulated instance', () => {
  beforeEach(async () => {
    cluster.start(request('a'));
    await advance(clock, 100);
    events.length = 0;
  });

  it('does one piece of work after the other', async () => {
    const doneAtMs: number[] = [];
    for (const durationMs of [30, 20]) {
      void cluster
        .find('a')!
        .work(durationMs)
        .then(() => doneAtMs.push(clock.nowMs()));
    }
    await advance(clock, 100);
    expect(doneAtMs).toEqual([130, 150]);
    expect(cluster.find('a')!.usage).toEqual({ cpuMs: (100 + 50) * 0.5, memoryBytes: 3e9 });
  });

  it('finishes its work before it goes when it is stopped', async () => {
    const work = cluster.find('a')!.work(30);
    cluster.find('a')!.stop(1_000);
    await expect(cluster.find('a')!.work(1)).rejects.toThrow('draining');
    await advance(clock, 30);
    await work;
    expect(events.map((event) => [event.type, event.instance.phase])).toEqual([
      ['changed', 'draining'],
      ['gone', 'draining'],
    ]);
  });

  it('is killed with its work when that takes too long', async () => {
    const work = cluster.find('a')!.work(5_000);
    const lost = expect(work).rejects.toThrow('instance is gone');
    cluster.find('a')!.stop(1_000);
    await advance(clock, 1_000);
    await lost;
    expect(events.at(-1)).toMatchObject({
      type: 'gone',
      expected: true,
      reason: expect.stringContaining('killed'),
    });
  });
});

describe('the simulated transport', () => {
  it('answers each request with its own body, after the time that its instance takes', async () => {
    cluster.start(request('a'));
    await advance(clock, 100);
    const reply = transportOf(() => 40).send('simulated://a', [BODY, { ...BODY, body: Buffer.from('you') }]);
    await advance(clock, 40);
    expect((await reply).responses.map(({ body }) => Buffer.from(body).toString())).toEqual(['hello', 'you']);
    expect((await reply).timing).toEqual({ decodeMs: 0, executeMs: 40, encodeMs: 0, rows: 2 });
  });

  it('fails with the instance', async () => {
    await expect(transportOf(() => 40).send('simulated://nobody', [BODY])).rejects.toThrow(InstanceLost);
    cluster.start(request('a'));
    await expect(transportOf(() => 40).send('simulated://a', [BODY])).rejects.toThrow(InstanceLost);
    await advance(clock, 100);
    const lost = expect(transportOf(() => 40).send('simulated://a', [BODY])).rejects.toThrow('power cut');
    await settle();
    cluster.crash('a', 'power cut');
    await lost;
  });
});
