import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Condition, InferenceFunctionStatus } from '../../../autoscaler/operator/inference-function.ts';
import { SmallRegistry } from '../../packager/registry/small-registry.ts';
import { pushDescribed } from '../../support/described-image.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../support/kubernetes/api-server.ts';
import { functionsPath, installInferenceFunctions } from '../../support/kubernetes/inference-functions.ts';
import { PROFILE } from '../../support/simulated-functions.ts';
import { FunctionsWorld } from './functions-world.ts';

const SOON = { timeout: 60_000, interval: 10 };

let server: ApiServer;
let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-cache-'));
  process.env.INFLESS_CACHE_DIR = cache;
  server = await openApiServer();
  await installInferenceFunctions(server);
}, 120_000);
afterAll(async () => {
  await server.close();
  await rm(cache, { recursive: true });
});

let world: FunctionsWorld;
let namespace: string;
let image: string;
let pinned: string;
beforeEach(async () => {
  const registry = await SmallRegistry.start();
  image = `${registry.host}/digits:1`;
  const { root } = await pushDescribed(image, PROFILE);
  pinned = `${registry.host}/digits@${root.descriptor.digest}`;
  namespace = await newNamespace(server);
  world = await FunctionsWorld.open(server, namespace);
  world.controller.run();
  world.writer.start();
});

/** Lets time pass until the status of a function is as wanted. */
async function until(
  name: string,
  wanted: (status: InferenceFunctionStatus) => boolean,
): Promise<InferenceFunctionStatus> {
  let status: InferenceFunctionStatus = {};
  await expect
    .poll(async () => {
      await world.advance(500);
      status = (await world.stored(name)).status ?? {};
      return wanted(status);
    }, SOON)
    .toBe(true);
  return status;
}

function condition(status: InferenceFunctionStatus, type: string): Condition | undefined {
  return status.conditions?.find((each) => each.type === type);
}

describe('the status of a function', () => {
  it('tells what runs, from its start to its end', async () => {
    await world.create('digits', { image, insecure: true, scale: { minInstances: 1 } });
    const ready = await until('digits', ({ phase }) => phase === 'Ready');
    expect(ready).toMatchObject({
      observedGeneration: 1,
      image: { name: image, pinned },
      replicas: 1,
      readyReplicas: 1,
      selector: 'infless.io/function=digits',
      ratePerSecond: 0,
    });
    expect(ready.instances).toMatchObject([{ ready: 1, starting: 0, draining: 0 }]);
    expect(condition(ready, 'Accepted')).toMatchObject({ status: 'True', reason: 'Deployed' });
    expect(condition(ready, 'Ready')).toMatchObject({ status: 'True', observedGeneration: 1 });
    expect(condition(ready, 'Sufficient')).toMatchObject({ status: 'True' });

    await world.patch('digits', { spec: { scale: { minInstances: 0, idle: '1s', policy: 'fixed' } } });
    // A current Kubernetes takes away a list that loses its last item, and has it, empty, when it is applied
    // again.
    const idle = await until('digits', ({ phase, instances }) => phase === 'Idle' && instances !== undefined);
    expect(idle).toMatchObject({ observedGeneration: 2, replicas: 0, instances: [] });
    expect(condition(idle, 'Ready')).toMatchObject({ status: 'True', reason: 'Idle' });
  });

  it('says why a function cannot run, and that the one before still does', async () => {
    await world.create('nothing', { image: image.replace('digits', 'nothing'), insecure: true });
    const broken = await until('nothing', ({ phase }) => phase === 'Broken');
    expect(condition(broken, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ImageNotFound',
      message: expect.stringContaining('nothing'),
    });
    expect(condition(broken, 'Accepted')).toMatchObject({ status: 'False', reason: 'ImageNotFound' });

    await world.create('digits', { image, insecure: true });
    await until('digits', ({ observedGeneration }) => observedGeneration === 1);
    await world.patch('digits', { spec: { slo: { latency: '1ms' } } });
    const refused = await until('digits', ({ observedGeneration }) => observedGeneration === 2);
    expect(condition(refused, 'Accepted')).toMatchObject({ status: 'False', reason: 'SloInfeasible' });
    expect(condition(refused, 'Ready')).toMatchObject({ status: 'True' });
  });

  it('says which variable a function may not set', async () => {
    await world.create('digits', { image, insecure: true, env: [{ name: 'LD_PRELOAD', value: '/x.so' }] });
    const broken = await until('digits', ({ phase }) => phase === 'Broken');
    for (const type of ['Accepted', 'Ready']) {
      expect(condition(broken, type)).toMatchObject({
        status: 'False',
        reason: 'InvalidInput',
        message: expect.stringContaining('"environment.LD_PRELOAD": may not be set by a function'),
      });
    }
  });

  it('says why instances cannot start', async () => {
    await world.create('doomed', { image, insecure: true, scale: { minInstances: 1 } });
    const failing = await until('doomed', ({ phase }) => phase === 'Failing');
    expect(condition(failing, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'InstancesFail',
      message: expect.stringContaining('out of luck'),
    });
  });

  it('says that there is no node for it, and how many of its instances find no room', async () => {
    const [nodeSelector, scale] = [{ disktype: 'ssd' }, { minInstances: 1 }];
    await world.create('choosy', { image, insecure: true, nodeSelector, scale });
    const choosy = await until('choosy', ({ phase }) => phase === 'Failing');
    expect(condition(choosy, 'Ready')?.message).toContain('disktype=ssd');
    expect(condition(choosy, 'Sufficient')).toMatchObject({ status: 'False', reason: 'NoSuitableNode' });

    await world.create('many', { image, insecure: true, scale: { minInstances: 90 } });
    const many = await until('many', (status) => condition(status, 'Sufficient')?.status === 'False');
    expect(condition(many, 'Sufficient')?.message).toMatch(/no room for \d+ of the instances/);
    await world.advance(60_000);
    const later = (await world.stored('many')).status!;
    expect(condition(later, 'Ready')?.status).toBe('True');
    expect(condition(later, 'Sufficient')?.status).toBe('False');
  });

  it('tells how fast requests are answered', async () => {
    await world.create('digits', { image, insecure: true, scale: { minInstances: 1 } });
    await until('digits', ({ phase }) => phase === 'Ready');
    const managed = world.controller.find('digits')!;
    for (let count = 0; count < 100; count += 1)
      managed.latencies.record(count < 90 ? 123.456 : 250, world.clock.nowMs());
    expect(await until('digits', ({ p50 }) => p50 !== undefined)).toMatchObject({
      p50: '123ms',
      p99: '250ms',
      sloAttainmentPercent: 90,
    });
  });

  it('is written when something changes, and not more often than every few seconds', async () => {
    await world.create('digits', { image, insecure: true, scale: { minInstances: 1 } });
    await until('digits', ({ phase }) => phase === 'Ready');
    await world.advance(60_000);
    const versions: string[] = [];
    const watching = new AbortController();
    onTestFinished(() => watching.abort());
    const { metadata } = await world.stored('digits');
    const watch = server.requests.watch(
      functionsPath(namespace),
      { resourceVersion: metadata!.resourceVersion! },
      watching.signal,
    );
    const reading = (async () => {
      for await (const { object } of watch) versions.push(object.metadata.resourceVersion!);
    })().catch(() => {}); // ends by the signal

    await world.advance(60_000);
    const managed = world.controller.find('digits')!;
    for (let second = 1; second <= 60; second += 1) {
      managed.latencies.record(second * 10, world.clock.nowMs());
      await world.advance(1_000);
      await world.stored('digits'); // what is on its way to the API arrives meanwhile
    }
    await until('digits', ({ p99 }) => p99 === '600ms');
    await world.create('last', { image, insecure: true });
    const last = (await world.stored('last')).metadata!.resourceVersion!;
    await expect.poll(() => versions.includes(last), SOON).toBe(true);
    watching.abort();
    await reading;
    // Latencies that change all the time are told every 15 s, and nothing while nothing changes.
    expect(versions.indexOf(last)).toBeLessThanOrEqual(7);
  });

  it('is written by nobody once the writer is stopped', async () => {
    await world.writer.stop();
    await world.create('digits', { image, insecure: true });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    await world.advance(10_000);
    expect(await world.stored('digits')).not.toHaveProperty('status');
    world.writer.start();
    await until('digits', ({ phase }) => phase !== undefined);
  });
});

describe('the scale subresource', () => {
  it('sets how many instances are kept', async () => {
    await world.create('digits', { image, insecure: true });
    await until('digits', ({ phase }) => phase !== undefined);
    const path = `${functionsPath(namespace, 'digits')}/scale`;
    await server.requests.patch(path, { spec: { replicas: 3 } });
    await until('digits', ({ readyReplicas }) => readyReplicas === 3);
    expect(await server.requests.get(path)).toMatchObject({
      spec: { replicas: 3 },
      status: { replicas: 3, selector: 'infless.io/function=digits' },
    });
  });
});
