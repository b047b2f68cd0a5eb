import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER_PERIOD_MICROS, underPeriod } from '../../../profiles/conditions/period.ts';
import { AMD64, ARM64 } from '../../packager/contents/bases.ts';
import { SmallRegistry } from '../../packager/registry/small-registry.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { pushDescribed } from '../../support/described-image.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../support/kubernetes/api-server.ts';
import { installInferenceFunctions } from '../../support/kubernetes/inference-functions.ts';
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

let registry: SmallRegistry;
let namespace: string;
let image: string;
let pinned: string;
beforeEach(async () => {
  registry = await SmallRegistry.start();
  namespace = await newNamespace(server);
  image = `${registry.host}/team/digits:1`;
  pinned = await push(image);
});

/** What the name stands for from then on. */
async function push(name: string, version = '1', profile = PROFILE): Promise<string> {
  const { root } = await pushDescribed(name, profile, { version });
  return `${name.replace(/:1$/, '')}@${root.descriptor.digest}`;
}

const open = (): Promise<FunctionsWorld> => FunctionsWorld.open(server, namespace);

describe('an object that kubectl makes', () => {
  it('becomes a function, changes it and ends it', async () => {
    const world = await open();
    await world.create('digits', { image, insecure: true, scale: { minInstances: 2 } });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    const { deployment, origin, declaration } = world.controller.find('digits')!;
    expect(deployment.spec).toMatchObject({ slo: 200, percentile: 99, scale: { min: 2, max: 100 } });
    const there = underPeriod(PROFILE, CLUSTER_PERIOD_MICROS);
    expect(deployment.profile).toEqual({ file: pinned, table: there });
    expect(deployment.warnings).toEqual([expect.stringContaining('--refresh --period 100ms')]);
    expect(deployment.model.manifest).toEqual({ ...PROFILE.model, name: 'digits' });
    expect(origin).toBe('kubernetes');
    expect(declaration).toMatchObject({ name: 'digits', image, insecure: true, slo: '200ms' });

    await world.patch('digits', { spec: { slo: { latency: '300ms' } } });
    await expect.poll(() => world.controller.find('digits')?.deployment.spec.slo, SOON).toBe(300);
    await world.delete('digits');
    await expect.poll(() => world.controller.find('digits'), SOON).toBeUndefined();
  });

  it('was there before the autoscaler was', async () => {
    const first = await open();
    await first.create('digits', { image, insecure: true });
    await expect.poll(() => first.imageOf('digits'), SOON).toBe(pinned);
    expect((await open()).imageOf('digits')).toBe(pinned);
  });

  it('is broken while its environment may not be, and no other is', async () => {
    const world = await open();
    const spec = { image, insecure: true, scale: { minInstances: 1 } };
    await world.create('digits', { ...spec, env: [{ name: 'NODE_OPTIONS', value: '--version' }] });
    await world.create('other', spec);
    const check = async (of: FunctionsWorld): Promise<void> => {
      await expect.poll(() => of.imageOf('other'), SOON).toBe(pinned);
      await expect.poll(() => of.functions.broken, SOON).toMatchObject([{ name: 'digits' }]);
      const [{ reason, declaration } = {}] = of.functions.broken;
      expect(reason).toMatch(
        /^InferenceFunction "digits" is not valid at "environment\.NODE_OPTIONS": may not be set/,
      );
      expect(declaration?.environment).toEqual({ NODE_OPTIONS: '--version' });
      expect(of.imageOf('digits')).toBeUndefined();
    };
    await check(world);
    await check(await open()); // of one that was there before
    await world.patch('digits', { spec: { env: [{ name: 'COLOUR', value: 'blue' }] } });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
  });

  it('is followed again after the API was away', { timeout: 180_000 }, async () => {
    const world = await open();
    await world.create('digits', { image, insecure: true });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    await server.outage();
    await world.create('other', { image, insecure: true });
    await world.delete('digits');
    await expect.poll(() => world.imageOf('other'), SOON).toBe(pinned);
    await expect.poll(() => world.imageOf('digits'), SOON).toBeUndefined();
  });

  it('that only gets a label keeps what is measured of its function', async () => {
    const world = await open();
    await world.create('digits', { image, insecure: true });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    await world.patch('digits', { metadata: { labels: { team: 'vision' } } });
    await expect
      .poll(() => world.controller.find('digits')?.deployment.spec.labels, SOON)
      .toEqual({
        team: 'vision',
      });
    const managed = world.controller.find('digits');
    await world.patch('digits', { status: { phase: 'Idle' } }); // no function's business
    await world.patch('digits', { metadata: { finalizers: ['example.com/kept'] } });
    await world.create('later', { image, insecure: true });
    await expect.poll(() => world.imageOf('later'), SOON).toBe(pinned);
    expect(world.controller.find('digits')).toBe(managed);
    await world.patch('digits', { metadata: { finalizers: null } });
  });

  it('on its way out is no function any more', async () => {
    const world = await open();
    await world.create('digits', { image, insecure: true }, { finalizers: ['example.com/kept'] });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    await world.delete('digits');
    await expect.poll(() => world.imageOf('digits'), SOON).toBeUndefined();
    await expect(world.functions.remove('digits')).rejects.toThrow('There is no function "digits"');
    await world.patch('digits', { metadata: { finalizers: null } });
  });
});

describe('an object that cannot run', () => {
  it('is broken until it can', async () => {
    const world = await open();
    const nowhere = `${registry.host}/nowhere:1`;
    await world.create('digits', { image: nowhere, insecure: true });
    await expect.poll(() => world.functions.broken, SOON).toHaveLength(1);
    expect(world.functions.broken[0]).toMatchObject({
      name: 'digits',
      origin: 'kubernetes',
      declaration: { image: nowhere },
      reason: expect.stringContaining('nowhere'),
    });
    await push(nowhere);
    await world.advance(5_000);
    await expect.poll(() => world.imageOf('digits'), SOON).toContain('/nowhere@sha256:');
    expect(world.functions.broken).toEqual([]);
  });

  it('leaves what ran before running', async () => {
    const world = await open();
    await world.create('digits', { image, insecure: true });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    await world.patch('digits', { spec: { slo: { latency: '1ms' } } });
    await expect.poll(() => world.functions.outcomeOf('digits')?.failure?.code, SOON).toBe('SLO_INFEASIBLE');
    expect(world.controller.find('digits')?.deployment.spec.slo).toBe(200);
    expect(world.functions.broken).toEqual([]);
  });

  it('after a restart keeps the instances it has, until it is deleted', async () => {
    const world = await open();
    await world.create('digits', { image, insecure: true, scale: { minInstances: 1 } });
    await expect.poll(() => world.imageOf('digits'), SOON).toBe(pinned);
    world.controller.run();
    await world.advance(3_000);
    const [running] = world.controller.instancesOf('digits');
    expect(running?.phase).toBe('ready');

    registry.stop();
    await rm(cache, { recursive: true }); // all is forgotten: a new pod on another node
    const successor = await FunctionsWorld.open(server, namespace, world);
    expect(successor.functions.broken).toMatchObject([{ name: 'digits' }]);
    successor.controller.run();
    await successor.advance(60_000);
    expect(successor.controller.instancesOf('digits')).toEqual([running]);
    await successor.delete('digits');
    await expect.poll(() => successor.objects.get('digits'), SOON).toBeUndefined();
    await expect
      .poll(async () => {
        await successor.advance(1_000);
        return successor.controller.instancesOf('digits');
      }, SOON)
      .toEqual([]);
  });
});

describe('a function that is declared', () => {
  it('is an object that every replica follows', async () => {
    const [one, other] = [await open(), await open()];
    const declaration = { name: 'digits', image, insecure: true, slo: '250ms', scale: { min: 1 } };
    const managed = await one.functions.declare(declaration);
    expect(managed.deployment.workload).toMatchObject({ model: pinned, modelName: 'digits', sloMs: 250 });
    expect((await one.stored('digits')).spec).toMatchObject({
      image,
      insecure: true,
      slo: { latency: '250ms', percentile: 99 },
      scale: { minInstances: 1, maxInstances: 100 },
    });
    await expect.poll(() => other.imageOf('digits'), SOON).toBe(pinned);
    await other.functions.remove('digits');
    expect(other.imageOf('digits')).toBeUndefined();
    await expect.poll(() => one.imageOf('digits'), SOON).toBeUndefined();
    await expect(one.stored('digits')).rejects.toThrow(/not found/);
    await expect(one.functions.remove('digits')).rejects.toThrow('There is no function "digits"');
  });

  it('can be declared again as soon as it is removed', async () => {
    const world = await open();
    const declaration = { name: 'digits', image, insecure: true, slo: '250ms' };
    for (let round = 0; round < 5; round += 1) {
      await world.functions.declare(declaration);
      expect(world.imageOf('digits')).toBe(pinned);
      await world.functions.remove('digits');
      expect(world.imageOf('digits')).toBeUndefined();
    }
    await world.functions.declare(declaration);
    await world.functions.declare({ ...declaration, name: 'other' });
    expect(world.imageOf('digits')).toBe(pinned);
  });

  it('replaces what anybody else said of it', async () => {
    const world = await open();
    await world.create('digits', {
      image,
      insecure: true,
      maxBatch: 2,
      scale: { minInstances: 3, weight: 2 },
      env: [{ name: 'A', value: '1' }],
    });
    await world.functions.declare({ name: 'digits', image, insecure: true, slo: '200ms' });
    const { spec } = await world.stored('digits');
    expect(spec).not.toHaveProperty('maxBatch');
    expect(spec).not.toHaveProperty('env');
    expect(spec.scale).toMatchObject({ minInstances: 0, weight: 1 });
    expect(world.controller.find('digits')?.deployment).toMatchObject({
      maxBatch: Number.MAX_SAFE_INTEGER,
      workload: { environment: {} },
    });
  });

  it('runs what its tag stood for when it was declared, whoever comes later', async () => {
    const declaration = { name: 'digits', image, insecure: true, slo: '250ms' };
    const [one, other] = [await open(), await open()];
    await one.functions.declare(declaration);
    const moved = await push(image, '2');
    expect(moved).not.toBe(pinned);
    expect((await open()).imageOf('digits')).toBe(pinned);

    await one.functions.declare(declaration);
    expect(one.imageOf('digits')).toBe(moved);
    await expect.poll(() => other.imageOf('digits'), SOON).toBe(moved);
  });

  it('keeps to nodes that its image is for', async () => {
    const world = await open();
    const declaration = {
      name: 'digits',
      image,
      insecure: true,
      slo: '250ms',
      nodeSelector: { disk: 'ssd' },
    };
    const { deployment } = await world.functions.declare(declaration);
    expect(deployment.spec.nodeSelector).toEqual({ disk: 'ssd', 'kubernetes.io/arch': 'amd64' });
    await pushDescribed(image, PROFILE, { platforms: [AMD64, ARM64] });
    const again = await world.functions.declare(declaration);
    expect(again.deployment.spec.nodeSelector).toEqual({ disk: 'ssd' });
  });

  it('takes its table from a ConfigMap', async () => {
    const world = await open();
    const slower = table([cell(1, 1000, 50, { firstAnswerMs: 1000 })]);
    const tables = (content: string) =>
      server.requests.create(`/api/v1/namespaces/${namespace}/configmaps`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'tables' },
        data: {
          'digits.json': content,
          'other.json': JSON.stringify({
            ...slower,
            model: { ...slower.model, digest: `sha256:${'0'.repeat(64)}` },
          }),
          'bad.json': '{',
          'newer.json': JSON.stringify({ ...slower, schema: 'infless.io/profile/v99' }),
        },
      });
    const declare = (profile: string) =>
      world.functions.declare({ name: 'digits', image, insecure: true, slo: '250ms', profile });
    await expect(declare('configmap:tables/digits.json')).rejects.toThrow(/does not exist/);
    await tables(JSON.stringify(slower));
    const { deployment } = await declare('configmap:tables/digits.json');
    expect(deployment.profile.table).toEqual(slower);
    await expect(declare('configmap:tables/other.json')).rejects.toThrow(/measured on another model/);
    await expect(declare('configmap:tables/bad.json')).rejects.toThrow(/is not JSON/);
    await expect(declare('configmap:tables/newer.json')).rejects.toThrow(/newer than this infless/);
    await expect(declare('configmap:tables/none.json')).rejects.toMatchObject({
      remedy: expect.stringContaining(`kubectl -n ${namespace} create configmap tables`),
    });
  });

  it.each([
    [
      'has no image',
      { image: undefined, insecure: undefined, model: 'mnist' },
      'INVALID_INPUT',
      /cannot fetch/,
    ],
    ['is too fast', { slo: '1ms' }, 'SLO_INFEASIBLE', /^No config of function "digits"/],
    ['is no name', { name: 'Digits' }, 'INVALID_INPUT', /lower case/],
    [
      'is refused by the cluster',
      { scale: { min: 20_000, max: 20_000 } },
      'INVALID_INPUT',
      /cannot be stored.*10000/,
    ],
  ])('and %s changes nothing', async (_, change, code, message) => {
    const world = await open();
    const declaration = { name: 'digits', image, insecure: true, slo: '250ms' };
    await world.functions.declare(declaration);
    const managed = world.controller.find('digits');
    await expect(world.functions.declare({ ...declaration, ...change })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(world.controller.find('digits')).toBe(managed);
    expect((await world.stored('digits')).metadata?.generation).toBe(1);
  });
});
