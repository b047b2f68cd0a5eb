import { describe, expect, it } from 'vitest';
import type { InstanceEndpoint } from '../../../autoscaler/cluster/instance.ts';
import {
  type DispatchedBatch,
  Dispatcher,
  type DispatcherOptions,
} from '../../../autoscaler/dispatch/dispatcher.ts';
import type { BatchTransport } from '../../../autoscaler/dispatch/transport.ts';
import { ObservedTimes } from '../../../autoscaler/latency/observed-times.ts';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { SimulatedCluster } from '../../../autoscaler/simulation/cluster/simulated-cluster.ts';
import { SimulatedTransport } from '../../../autoscaler/simulation/cluster/simulated-transport.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { NO_COST } from '../../../profiles/capacity/batch-time.ts';
import type { Config } from '../../../profiles/config.ts';
import { REASON, runningAlone } from '../../support/lone-requests.ts';
import { nodeCapacity, resourcesOf } from '../../support/resources.ts';
import { PROFILE } from '../../support/simulated-functions.ts';
import { advance, settle } from '../../support/virtual-time.ts';

const CONFIG: Config = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };
const BATCH_MS = 50;

/** How a request ended. */
interface Fate {
  readonly atMs: number;
  readonly status?: number;
  readonly body?: string;
  readonly error?: InflessError;
}

/**
 * A dispatcher over simulated instances; every batch takes 50 ms, and each request gets its own body back.
 */
class Scene {
  readonly clock = new VirtualClock(1_000);
  readonly cluster = new SimulatedCluster({
    clock: this.clock,
    nodes: [nodeCapacity({ name: 'one', cpuMillicores: 1e6, memoryBytes: 1e12, gpuPercents: [] })],
    startUp: () => ({ afterMs: 0 }),
  });
  readonly transport: BatchTransport;
  readonly times: ServiceTimes;
  readonly observed = new ObservedTimes(() => NO_COST);
  readonly batches: DispatchedBatch[] = [];
  readonly lost: string[] = [];
  readonly fates = new Map<string, Fate[]>();
  readonly dispatcher: Dispatcher;

  constructor(
    options: Partial<DispatcherOptions> = {},
    {
      times = new ServiceTimes(PROFILE),
      transport = (real: BatchTransport) => real,
    }: { times?: ServiceTimes; transport?: (real: BatchTransport) => BatchTransport } = {},
  ) {
    this.times = times;
    this.transport = transport(
      new SimulatedTransport({ cluster: this.cluster, executionMs: () => BATCH_MS }),
    );
    this.dispatcher = this.dispatcherWith(options);
  }

  dispatcherWith(options: Partial<DispatcherOptions>): Dispatcher {
    return new Dispatcher(
      {
        functionName: 'f',
        sloMs: 200,
        percentile: 99,
        latePolicy: 'serve',
        maxWaitMs: 5_000,
        queueLimit: 100,
        ...options,
      },
      {
        clock: this.clock,
        transport: this.transport,
        times: this.times,
        observed: this.observed,
        onInstanceLost: (id) => this.lost.push(id),
        onBatch: (batch) => this.batches.push(batch),
      },
    );
  }

  async instances(...ids: string[]): Promise<InstanceEndpoint[]> {
    for (const id of ids) {
      const workload = {
        version: 'v1',
        model: 'm',
        modelName: 'm',
        sloMs: 200,
        environment: {},
        secrets: [],
      };
      this.cluster.start({
        id,
        functionName: 'f',
        config: CONFIG,
        node: 'one',
        resources: resourcesOf(CONFIG),
        workload,
      });
    }
    await advance(this.clock, 0);
    return ids.map((id) => ({ id, config: CONFIG, url: this.cluster.find(id)!.view.url! }));
  }

  submit(
    name: string,
    { signal, dispatcher = this.dispatcher }: { signal?: AbortSignal; dispatcher?: Dispatcher } = {},
  ): void {
    const request = { path: '/', contentType: 'text/plain', body: Buffer.from(name) };
    const fates: Fate[] = [];
    this.fates.set(name, fates);
    dispatcher.submit(request, this.clock.nowMs(), signal).then(
      ({ status, body }) =>
        fates.push({ atMs: this.clock.nowMs(), status, body: Buffer.from(body).toString() }),
      (error: InflessError) => fates.push({ atMs: this.clock.nowMs(), error }),
    );
  }

  /** The one fate of a request, or undefined while it waits. */
  fate(name: string): Fate | undefined {
    const fates = this.fates.get(name)!;
    expect(fates.length).toBeLessThanOrEqual(1);
    return fates[0];
  }

  expectAnswered(...names: string[]): void {
    for (const name of names) expect(this.fate(name), name).toMatchObject({ status: 200, body: name });
  }
}

function names(count: number, prefix = 'r'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

describe('a dispatcher', () => {
  it('runs requests that come together together, and answers each with its own', async () => {
    const scene = new Scene();
    scene.dispatcher.setInstances(await scene.instances('a'));
    for (const name of names(6)) scene.submit(name);
    expect(scene.dispatcher).toMatchObject({ queued: 6, inFlight: 0 });
    await settle();
    expect(scene.dispatcher).toMatchObject({ queued: 2, inFlight: 4 });
    await advance(scene.clock, 200);
    scene.expectAnswered(...names(6));
    expect(scene.batches.map(({ size }) => size)).toEqual([4, 2]);
    expect(scene.batches[0]).toEqual({
      instanceId: 'a',
      size: 4,
      roundTripMs: BATCH_MS,
      executeMs: BATCH_MS,
    });
    expect(scene.dispatcher).toMatchObject({ queued: 0, inFlight: 0 });
  });

  it('spreads over its instances', async () => {
    const scene = new Scene();
    scene.dispatcher.setInstances(await scene.instances('a', 'b'));
    for (const name of names(8)) scene.submit(name);
    await advance(scene.clock, BATCH_MS);
    scene.expectAnswered(...names(8));
    expect(scene.batches.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
  });

  it('holds requests until there is an instance', async () => {
    const scene = new Scene();
    for (const name of names(3)) scene.submit(name);
    await advance(scene.clock, 3_000);
    expect(scene.dispatcher.queued).toBe(3);
    scene.dispatcher.setInstances(await scene.instances('a'));
    await advance(scene.clock, BATCH_MS);
    scene.expectAnswered(...names(3));
  });

  it('holds them no longer than they may wait', async () => {
    const scene = new Scene();
    scene.submit('r1');
    await advance(scene.clock, 4_999);
    expect(scene.fate('r1')).toBeUndefined();
    await advance(scene.clock, 1);
    expect(scene.fate('r1')?.error).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'No instance of function "f" became ready within 5.00 s',
    });
  });

  it('refuses what goes beyond its limit', async () => {
    const scene = new Scene({ queueLimit: 3 });
    for (const name of names(4)) scene.submit(name);
    await settle();
    expect(scene.fate('r4')?.error).toMatchObject({ code: 'OVERLOADED', status: 429 });
    expect(scene.dispatcher.queued).toBe(3);
  });

  it('lets a request in time take the place of one that is late anyway', async () => {
    const scene = new Scene({ queueLimit: 3 });
    for (const name of names(3)) scene.submit(name);
    await advance(scene.clock, 300);
    scene.submit('new');
    await settle();
    expect(scene.fate('r1')?.error).toMatchObject({ code: 'OVERLOADED' });
    scene.dispatcher.setInstances(await scene.instances('a'));
    await advance(scene.clock, 2 * BATCH_MS);
    scene.expectAnswered('r2', 'r3', 'new');
    expect(scene.fate('new')!.atMs).toBeLessThan(scene.fate('r2')!.atMs);
  });

  it('uses an instance that is left out no more, but hears what it has', async () => {
    const scene = new Scene();
    scene.dispatcher.setInstances(await scene.instances('a'));
    for (const name of names(5)) scene.submit(name);
    await settle();
    scene.dispatcher.setInstances([]);
    await advance(scene.clock, 500);
    scene.expectAnswered(...names(4));
    expect(scene.dispatcher).toMatchObject({ queued: 1, inFlight: 0 });
  });
});

describe('requests that an instance ran one by one', () => {
  it('are answered, and the instance is given one at a time from then on', async () => {
    const scene = new Scene({}, { transport: runningAlone });
    scene.dispatcher.setInstances(await scene.instances('a'));
    for (const name of names(7)) scene.submit(name);
    await advance(scene.clock, 1_000);
    scene.expectAnswered(...names(7));
    expect(scene.batches.map(({ size }) => size)).toEqual([4, 1, 1, 1]);
    expect(scene.batches.map(({ ranAlone }) => ranAlone)).toEqual([REASON, undefined, undefined, undefined]);
  });

  it('go one at a time to every instance once batching has stopped', async () => {
    const scene = new Scene();
    const first = await scene.instances('a');
    scene.dispatcher.setInstances(first);
    scene.dispatcher.stopBatching();
    scene.dispatcher.setInstances([...first, ...(await scene.instances('b'))]);
    for (const name of names(6)) scene.submit(name);
    await advance(scene.clock, 1_000);
    scene.expectAnswered(...names(6));
    expect(scene.batches.map(({ size }) => size)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it.each([
    ['teach nothing', runningAlone, false],
    ['would teach if they had run together', (real: BatchTransport) => real, true],
  ])('%s', async (_, transport, isTaught) => {
    const scene = new Scene({}, { transport });
    const instances = await scene.instances('a');
    for (let batch = 0; batch < 30; batch += 1) {
      scene.dispatcher.setInstances([]);
      scene.dispatcher.setInstances(instances); // as one that has just started: it is sent a whole batch
      for (const name of names(4, `${batch}-`)) scene.submit(name);
      await advance(scene.clock, 100);
    }
    expect(scene.batches.map(({ size }) => size)).toEqual(new Array(30).fill(4));
    expect(scene.observed.of(CONFIG) !== undefined).toBe(isTaught);
  });
});

describe('a request that is late', () => {
  it('is answered all the same where the policy is to serve', async () => {
    const scene = new Scene();
    scene.submit('r1');
    await advance(scene.clock, 1_000);
    scene.dispatcher.setInstances(await scene.instances('a'));
    await advance(scene.clock, BATCH_MS);
    scene.expectAnswered('r1');
  });

  it('is given up at its deadline where the policy is to reject', async () => {
    const scene = new Scene({ latePolicy: 'reject' });
    scene.dispatcher.setInstances(await scene.instances('a'));
    for (const name of names(30)) scene.submit(name);
    await advance(scene.clock, 1_000);
    const fates = names(30).map((name) => scene.fate(name)!);
    const answered = fates.filter(({ status }) => status === 200);
    const given = fates.filter(({ error }) => error?.code === 'DEADLINE_EXCEEDED');
    expect(answered.length).toBeGreaterThanOrEqual(12);
    expect(answered.length + given.length).toBe(30);
    for (const { atMs } of [...answered, ...given]) expect(atMs).toBeLessThanOrEqual(1_000 + 200);
  });

  it('does not wait for an instance past its deadline where the policy is to reject', async () => {
    const scene = new Scene({ latePolicy: 'reject' });
    scene.submit('r1');
    await advance(scene.clock, 200);
    expect(scene.fate('r1')?.error).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'No instance of function "f" became ready within 200 ms',
    });
  });
});

describe('instances that are believed to be too slow for any request', () => {
  const SLOWER = 10;

  async function tooSlow(latePolicy: 'serve' | 'reject'): Promise<Scene> {
    const times = new ServiceTimes(PROFILE, () => ({ slowdown: SLOWER, transportMs: 2 }));
    const scene = new Scene({ latePolicy }, { times });
    scene.dispatcher.setInstances(await scene.instances('a', 'b'));
    return scene;
  }

  it('are tried once a second, where the policy is to reject, and else refuse', async () => {
    const scene = await tooSlow('reject');
    for (let count = 0; count < 30; count += 1) {
      scene.submit(`r${count}`);
      await advance(scene.clock, 100);
    }
    await advance(scene.clock, BATCH_MS);
    const answered = [...scene.fates.keys()].filter((name) => scene.fate(name)!.status === 200);
    expect(answered).toEqual(['r0', 'r10', 'r20']);
    for (const count of [1, 9, 15]) {
      const { error, atMs } = scene.fate(`r${count}`)!;
      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(atMs).toBe(1_000 + 100 * count); // at once
    }
    expect(scene.batches.map(({ size }) => size)).toEqual([1, 1, 1]);
  });

  it('serve all of them, where the policy is to serve', async () => {
    const scene = await tooSlow('serve');
    for (const name of names(8)) scene.submit(name);
    await advance(scene.clock, 10 * BATCH_MS);
    scene.expectAnswered(...names(8));
  });
});

describe('losing an instance', () => {
  it('takes its requests elsewhere, with the deadlines they had, and answers each once', async () => {
    const scene = new Scene();
    const [a, b] = await scene.instances('a', 'b');
    scene.dispatcher.setInstances([a!]);
    for (const name of names(4)) scene.submit(name);
    await advance(scene.clock, 20);
    for (const name of names(8, 'later')) scene.submit(name);
    scene.dispatcher.setInstances([a!, b!]);
    await settle(); // b is busy with later1…later4
    scene.cluster.crash('a');
    await advance(scene.clock, 6 * BATCH_MS);
    expect(scene.lost).toEqual(['a']);
    scene.expectAnswered(...names(4), ...names(8, 'later'));
    expect(scene.fate('r1')!.atMs).toBeLessThan(scene.fate('later5')!.atMs); // they are due earlier
    expect(scene.batches.map(({ size }) => size)).toEqual([4, 1, 1, 1, 1, 4]); // any may be what a died of
  });

  it('leaves that instance alone until it is set again', async () => {
    const scene = new Scene();
    const instances = await scene.instances('a');
    scene.dispatcher.setInstances(instances);
    scene.submit('r1');
    await advance(scene.clock, 10);
    scene.cluster.crash('a');
    await advance(scene.clock, 1_000);
    expect(scene.lost).toEqual(['a']);
    expect(scene.dispatcher.queued).toBe(1);
    scene.dispatcher.setInstances(await scene.instances('a'));
    await advance(scene.clock, BATCH_MS);
    scene.expectAnswered('r1');
  });

  it('gives a request up that was unlucky five times', async () => {
    const scene = new Scene({ maxWaitMs: 60_000 });
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      scene.dispatcher.setInstances(await scene.instances(id));
      if (id === 'a') scene.submit('unlucky');
      await advance(scene.clock, 10);
      scene.cluster.crash(id);
      await settle();
      scene.dispatcher.instanceGone(id, false); // it was stopped
    }
    expect(scene.fate('unlucky')?.error).toMatchObject({
      code: 'UNAVAILABLE',
      message: '5 instances of function "f" failed this request',
    });
    expect(scene.lost).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(scene.dispatcher).toMatchObject({ queued: 0, inFlight: 0 });
  });

  it('does not repeat a batch that was answered because reporting it failed', async () => {
    const scene = new Scene();
    const reported: string[] = [];
    const dispatcher = new Dispatcher(
      {
        functionName: 'f',
        sloMs: 200,
        percentile: 99,
        latePolicy: 'serve',
        maxWaitMs: 5_000,
        queueLimit: 10,
      },
      {
        clock: scene.clock,
        transport: scene.transport,
        times: scene.times,
        observed: new ObservedTimes(() => NO_COST),
        onInstanceLost: (id) => scene.lost.push(id),
        onBatch: ({ instanceId }) => reported.push(instanceId),
      },
    );
    dispatcher.setInstances(await scene.instances('a'));
    scene.submit('r1', { dispatcher });
    await advance(scene.clock, 500);
    scene.expectAnswered('r1');
    expect(reported).toEqual(['a']);
    expect(scene.lost).toEqual([]);
  });
});

describe('a client that hangs up', () => {
  it('takes its request out of the queue', async () => {
    const scene = new Scene();
    const client = new AbortController();
    scene.submit('r1', { signal: client.signal });
    await settle();
    client.abort();
    await settle();
    expect(scene.fate('r1')?.error).toBeInstanceOf(InflessError);
    expect(scene.dispatcher.queued).toBe(0);
  });

  it('had not even queued it', async () => {
    const scene = new Scene();
    scene.submit('r1', { signal: AbortSignal.abort() });
    await settle();
    expect(scene.fate('r1')?.error).toBeInstanceOf(InflessError);
    expect(scene.dispatcher.queued).toBe(0);
  });

  it('does not disturb the batch it is in, and has it not repeated', async () => {
    const scene = new Scene();
    const client = new AbortController();
    scene.dispatcher.setInstances(await scene.instances('a'));
    scene.submit('r1', { signal: client.signal });
    scene.submit('r2');
    await advance(scene.clock, 10);
    client.abort();
    scene.cluster.crash('a');
    await settle();
    expect(scene.dispatcher.queued).toBe(1);
    scene.dispatcher.setInstances(await scene.instances('b'));
    await advance(scene.clock, 200);
    scene.expectAnswered('r2');
    expect(scene.batches.map(({ size }) => size)).toEqual([1]);
  });
});

describe('a dispatcher that is replaced', () => {
  it('hands its queue over, to the SLO and the patience of the new one', async () => {
    const scene = new Scene();
    const client = new AbortController();
    scene.submit('r1');
    scene.submit('r2', { signal: client.signal });
    await advance(scene.clock, 100);
    const successor = scene.dispatcherWith({ maxWaitMs: 1_000 });
    scene.dispatcher.retireTo(successor);
    expect([scene.dispatcher.queued, successor.queued]).toEqual([0, 2]);
    client.abort();
    expect(successor.queued).toBe(1);
    await advance(scene.clock, 899);
    expect(scene.fate('r1')).toBeUndefined();
    await advance(scene.clock, 1);
    expect(scene.fate('r1')?.error).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('hands over what comes in, or back, later', async () => {
    const scene = new Scene();
    scene.dispatcher.setInstances(await scene.instances('a'));
    scene.submit('r1');
    await advance(scene.clock, 10);
    const successor = scene.dispatcherWith({});
    scene.dispatcher.retireTo(successor);
    scene.submit('r2');
    scene.cluster.crash('a');
    await settle();
    expect(successor.queued).toBe(2);
    successor.setInstances(await scene.instances('b'));
    await advance(scene.clock, 2 * BATCH_MS); // one by one
    scene.expectAnswered('r1', 'r2');
  });
});

describe('a dispatcher that refuses', () => {
  const error = new InflessError('UNAVAILABLE', 'Instances cannot start');

  it('fails what waits and what comes until then, and queues again afterwards', async () => {
    const scene = new Scene();
    scene.submit('waits');
    scene.dispatcher.refuseUntil(scene.clock.nowMs() + 500, error);
    scene.submit('comes');
    await settle();
    expect([scene.fate('waits')?.error, scene.fate('comes')?.error]).toEqual([error, error]);
    await advance(scene.clock, 500);
    scene.submit('hopes');
    await settle();
    expect(scene.dispatcher.queued).toBe(1);
  });

  it('takes requests at once when there is an instance', async () => {
    const scene = new Scene();
    scene.dispatcher.refuseUntil(Infinity, error);
    scene.dispatcher.setInstances(await scene.instances('a'));
    scene.submit('r1');
    await advance(scene.clock, BATCH_MS);
    scene.expectAnswered('r1');
  });
});
