import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiDouble } from './api-double.ts';
import { APPLY_PATCH, type ApiObject, type ApiRefusal, JSON_PATCH, type WatchEvent } from './api-requests.ts';
import { type ApiServer, newNamespace } from './api-server.ts';
import { RealApiServer } from './real-api-server.ts';

const binaries = process.env.KUBEBUILDER_ASSETS ?? '';

const KINDS = [
  { kind: 'double', start: (): Promise<ApiServer> => ApiDouble.start(), isThere: true },
  { kind: 'real', start: (): Promise<ApiServer> => RealApiServer.start(binaries), isThere: binaries !== '' },
];

// What the double does is worth nothing where the real one does something else: both are asked the same.
describe.each(KINDS)('the $kind API server', ({ start, isThere, kind }) => {
  let server: ApiServer;
  let namespace: string;
  let pods: string;
  let leases: string;
  const aborts: AbortController[] = [];

  beforeAll(async () => {
    if (isThere) server = await start();
  }, 120_000);
  afterAll(() => server?.close());
  beforeEach(async (context) => {
    context.skip(!isThere, `needs KUBEBUILDER_ASSETS for the ${kind} one`);
    namespace = await newNamespace(server);
    pods = `/api/v1/namespaces/${namespace}/pods`;
    leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  });
  afterEach(() => {
    for (const abort of aborts.splice(0)) abort.abort();
  });

  function pod(name: string, labels: Record<string, string> = {}): ApiObject {
    return { metadata: { name, labels }, spec: { containers: [{ name: 'main', image: 'nothing:1' }] } };
  }

  async function refusalOf(answer: Promise<unknown>): Promise<{ status: number; reason: string }> {
    const error = await answer.then(
      () => expect.fail('it was not refused'),
      (reason: ApiRefusal) => reason,
    );
    return { status: error.status, reason: error.reason };
  }

  /** Events from now on, asked for one by one. */
  function watching(path: string, query: Record<string, string | number | boolean> = {}) {
    const abort = new AbortController();
    aborts.push(abort);
    const events = server.requests.watch(path, query, abort.signal);
    return async (): Promise<WatchEvent> => {
      const next = await events.next();
      if (next.done) throw new Error('the watch has ended');
      return next.value;
    };
  }

  async function names(query: Record<string, string | number>): Promise<(string | undefined)[]> {
    return (await server.requests.items(pods, query)).map(({ metadata }) => metadata.name);
  }

  describe('objects', () => {
    it('get identity and defaults when they are created', async () => {
      const created = await server.requests.create(pods, pod('a'));
      expect(created).toMatchObject({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'a',
          namespace,
          uid: expect.stringMatching(/^[\da-f-]{36}$/),
          resourceVersion: expect.stringMatching(/^\d+$/),
          creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
        spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30 },
        status: { phase: 'Pending', qosClass: 'BestEffort' },
      });
      expect(created.metadata.generation).toBeUndefined();
      expect(await server.requests.get(`${pods}/a`)).toEqual(created);
    });

    it('request what they limit', async () => {
      const limited = pod('a');
      limited.spec = {
        containers: [{ name: 'main', image: 'x', resources: { limits: { cpu: '1500m', memory: '1Gi' } } }],
      };
      const created = await server.requests.create(pods, limited);
      expect(created).toMatchObject({
        spec: { containers: [{ resources: { requests: { cpu: '1500m', memory: '1Gi' } } }] },
        status: { qosClass: 'Guaranteed' },
      });
    });

    it('are named by the server where asked to', async () => {
      const created = await server.requests.create(pods, { ...pod(''), metadata: { generateName: 'some-' } });
      expect(created.metadata.name).toMatch(/^some-[a-z0-9]{5}$/);
    });

    it('are refused for what is wrong with them', async () => {
      const { requests } = server;
      await requests.create(pods, pod('taken'));
      const broken = { metadata: { name: 'empty' }, spec: {} };
      const elsewhere = { ...pod('a'), metadata: { name: 'a', namespace: 'elsewhere' } };
      expect(await refusalOf(requests.create(pods, pod('taken')))).toEqual({
        status: 409,
        reason: 'AlreadyExists',
      });
      expect(await refusalOf(requests.create(pods, broken))).toEqual({ status: 422, reason: 'Invalid' });
      expect(await refusalOf(requests.create(pods, pod('Capital')))).toEqual({
        status: 422,
        reason: 'Invalid',
      });
      expect(await refusalOf(requests.create(pods, pod('')))).toEqual({ status: 422, reason: 'Invalid' });
      expect(await refusalOf(requests.create(pods, elsewhere))).toEqual({
        status: 400,
        reason: 'BadRequest',
      });
      const nowhere = requests.create('/api/v1/namespaces/nowhere/pods', pod('a'));
      expect(await refusalOf(nowhere)).toEqual({ status: 404, reason: 'NotFound' });
      expect(await refusalOf(requests.get(`${pods}/absent`))).toEqual({ status: 404, reason: 'NotFound' });
      expect((await refusalOf(requests.get('/apis/nothing.example/v1/things'))).status).toBe(404);
    });

    it('keep secrets in base64', async () => {
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const stored = await server.requests.create(path, {
        metadata: { name: 'a' },
        stringData: { key: 'word' },
      });
      expect(stored).toMatchObject({ type: 'Opaque', data: { key: Buffer.from('word').toString('base64') } });
      expect(stored.stringData).toBeUndefined();
    });
  });

  describe('a replacement', () => {
    it('has to name the version it replaces', async () => {
      const { requests } = server;
      const first = await requests.create(leases, { metadata: { name: 'a' }, spec: { holderIdentity: 'x' } });
      const second = await requests.replace(`${leases}/a`, { ...first, spec: { holderIdentity: 'y' } });
      expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
      const again = requests.replace(`${leases}/a`, { ...first, spec: { holderIdentity: 'z' } });
      expect(await refusalOf(again)).toEqual({ status: 409, reason: 'Conflict' });
      const { resourceVersion: _version, ...metadata } = second.metadata;
      const unnamed = requests.replace(`${leases}/a`, { ...second, metadata });
      expect(await refusalOf(unnamed)).toEqual({ status: 422, reason: 'Invalid' });
    });

    it('that changes nothing is no new version', async () => {
      const first = await server.requests.create(leases, {
        metadata: { name: 'a' },
        spec: { holderIdentity: 'x' },
      });
      const second = await server.requests.replace(`${leases}/a`, first);
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    });

    it('of one object by another of its name is a conflict', async () => {
      const { requests } = server;
      const first = await requests.create(leases, { metadata: { name: 'a' }, spec: { holderIdentity: 'x' } });
      await requests.delete(`${leases}/a`);
      const gone = requests.replace(`${leases}/a`, first);
      expect(await refusalOf(gone)).toEqual({ status: 409, reason: 'Conflict' });
      await requests.create(leases, { metadata: { name: 'a' }, spec: { holderIdentity: 'y' } });
      const stale = requests.replace(`${leases}/a`, first);
      expect(await refusalOf(stale)).toEqual({ status: 409, reason: 'Conflict' });
    });

    it('of a lease has times of exactly six digits', async () => {
      const at = (renewTime: string) => ({
        metadata: { name: 'a' },
        spec: { holderIdentity: 'x', renewTime },
      });
      const short = server.requests.create(leases, at('2026-01-01T00:00:00.123Z'));
      expect(await refusalOf(short)).toEqual({ status: 400, reason: 'BadRequest' });
      const stored = await server.requests.create(leases, at('2026-01-01T00:00:00.123456Z'));
      expect(stored).toMatchObject({ spec: { renewTime: '2026-01-01T00:00:00.123456Z' } });
    });

    it('leaves a pod what it is', async () => {
      const created = await server.requests.create(pods, pod('a'));
      const moved = { ...created, spec: { ...(created.spec as object), nodeName: 'elsewhere' } };
      const refused = server.requests.replace(`${pods}/a`, moved);
      expect(await refusalOf(refused)).toEqual({ status: 422, reason: 'Invalid' });
    });

    it('of the status leaves the rest, and the other way round', async () => {
      const created = await server.requests.create(pods, pod('a', { color: 'red' }));
      const both = {
        ...created,
        metadata: { ...created.metadata, labels: { color: 'blue' } },
        status: { ...(created.status as object), phase: 'Running' },
      };
      const { metadata, status } = await server.requests.replace(`${pods}/a/status`, both);
      expect(status).toMatchObject({ phase: 'Running' });
      const { resourceVersion } = metadata;
      const main = { ...both, metadata: { ...both.metadata, resourceVersion }, status: { phase: 'Failed' } };
      expect(await server.requests.replace(`${pods}/a`, main)).toMatchObject({
        metadata: { labels: { color: 'blue' } },
        status: { phase: 'Running' },
      });
    });
  });

  describe('a patch', () => {
    it('merges, and takes away what is null', async () => {
      await server.requests.create(pods, pod('a', { color: 'red', size: 'big' }));
      const labels = { color: null, shape: 'round' };
      const patched = await server.requests.patch(`${pods}/a`, { metadata: { labels } });
      expect(patched.metadata.labels).toEqual({ size: 'big', shape: 'round' });
    });

    it('of JSON operations does them in turn, or none', async () => {
      await server.requests.create(pods, pod('a', { color: 'red' }));
      const operations = [
        { op: 'test', path: '/metadata/labels/color', value: 'red' },
        { op: 'replace', path: '/metadata/labels/color', value: 'blue' },
        { op: 'add', path: '/metadata/annotations', value: { 'a.example/b': '1' } },
      ];
      const patched = await server.requests.patch(`${pods}/a`, operations, JSON_PATCH);
      expect(patched.metadata).toMatchObject({
        labels: { color: 'blue' },
        annotations: { 'a.example/b': '1' },
      });
      const again = server.requests.patch(`${pods}/a`, operations, JSON_PATCH);
      expect((await refusalOf(again)).status).toBe(422);
    });

    it('may insist on a version', async () => {
      const { metadata } = await server.requests.create(pods, pod('a'));
      const { resourceVersion } = metadata;
      await server.requests.patch(`${pods}/a`, { metadata: { labels: { color: 'red' } } });
      const late = { metadata: { resourceVersion, labels: { color: 'blue' } } };
      const refused = server.requests.patch(`${pods}/a`, late);
      expect(await refusalOf(refused)).toEqual({ status: 409, reason: 'Conflict' });
    });
  });

  describe('an apply', () => {
    function apply(manager: string, data: Record<string, string>, force = false): Promise<ApiObject> {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data };
      const path = `/api/v1/namespaces/${namespace}/configmaps/a`;
      return server.requests.patch(path, object, APPLY_PATCH, { fieldManager: manager, force });
    }

    it('creates, then changes', async () => {
      expect(await apply('one', { x: '1' })).toMatchObject({ data: { x: '1' }, metadata: { namespace } });
      expect(await apply('one', { x: '2', y: '3' })).toMatchObject({ data: { x: '2', y: '3' } });
    });

    it('that says the same is no new version', async () => {
      const first = await apply('one', { x: '1' });
      const second = await apply('one', { x: '1' });
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    });

    it('takes away what its manager says no more, and only that', async () => {
      await apply('one', { x: '1', y: '1' });
      await apply('two', { z: '1' });
      expect((await apply('one', { x: '1' })).data).toEqual({ x: '1', z: '1' });
    });

    it("is refused for another's field, unless forced", async () => {
      await apply('one', { x: '1' });
      expect(await refusalOf(apply('two', { x: '2' }))).toEqual({ status: 409, reason: 'Conflict' });
      expect((await apply('two', { x: '1' })).data).toEqual({ x: '1' });
      expect((await apply('two', { x: '2' }, true)).data).toEqual({ x: '2' });
      expect((await apply('one', { y: '1' })).data).toEqual({ x: '2', y: '1' });
    });

    it('needs a manager', async () => {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
      const path = `/api/v1/namespaces/${namespace}/configmaps/a`;
      expect((await refusalOf(server.requests.patch(path, object, APPLY_PATCH))).status).toBeOneOf([
        400, 422,
      ]);
    });

    it('to a pod leaves the defaults of its containers', async () => {
      const wanted = (value: string) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a', labels: { value } },
        spec: { containers: [{ name: 'main', image: 'nothing:1', env: [{ name: 'A', value: '1' }] }] },
      });
      const query = { fieldManager: 'one' };
      await server.requests.patch(`${pods}/a`, wanted('old'), APPLY_PATCH, query);
      const applied = await server.requests.patch(`${pods}/a`, wanted('new'), APPLY_PATCH, query);
      expect(applied).toMatchObject({
        metadata: { labels: { value: 'new' } },
        spec: { containers: [{ name: 'main', terminationMessagePolicy: 'File' }] },
      });
    });

    it('tells in managedFields what is whose', async () => {
      const { metadata } = await apply('one', { x: '1' });
      expect(metadata.managedFields).toEqual([
        expect.objectContaining({
          manager: 'one',
          operation: 'Apply',
          apiVersion: 'v1',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': { 'f:x': {} } },
        }),
      ]);
    });
  });

  describe('a list', () => {
    beforeEach(async () => {
      await server.requests.create(pods, pod('a', { color: 'red', size: 'big' }));
      await server.requests.create(pods, pod('b', { color: 'blue' }));
      await server.requests.create(pods, pod('c', { color: 'green', size: 'big' }));
    });

    it('selects by labels', async () => {
      expect(await names({ labelSelector: 'color=red' })).toEqual(['a']);
      expect(await names({ labelSelector: 'color!=red' })).toEqual(['b', 'c']);
      expect(await names({ labelSelector: 'color in (red,blue)' })).toEqual(['a', 'b']);
      expect(await names({ labelSelector: 'color notin (red,blue),size=big' })).toEqual(['c']);
      expect(await names({ labelSelector: 'size' })).toEqual(['a', 'c']);
      expect(await names({ labelSelector: '!size' })).toEqual(['b']);
      expect((await refusalOf(names({ labelSelector: 'color in (' }))).status).toBe(400);
    });

    it('selects by fields', async () => {
      const binding = { metadata: { name: 'b' }, target: { kind: 'Node', name: 'there' } };
      await server.requests.create(`${pods}/b/binding`, binding);
      expect(await names({ fieldSelector: 'metadata.name=a' })).toEqual(['a']);
      expect(await names({ fieldSelector: 'spec.nodeName=there' })).toEqual(['b']);
      expect(await names({ fieldSelector: 'spec.nodeName=' })).toEqual(['a', 'c']);
      expect(await names({ fieldSelector: 'status.phase!=Pending' })).toEqual([]);
      expect((await refusalOf(names({ fieldSelector: 'spec.image=x' }))).status).toBe(400);
    });

    it('comes in pages of one revision', async () => {
      const first = await server.requests.get(pods, { limit: 2 });
      expect((first.items as ApiObject[]).map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
      await server.requests.create(pods, pod('bb'));
      const token = String(first.metadata.continue);
      const second = await server.requests.get(pods, { limit: 2, continue: token });
      expect((second.items as ApiObject[]).map(({ metadata }) => metadata.name)).toEqual(['c']);
      expect(second.metadata.continue ?? '').toBe('');
    });

    it('says the kind once, for kinds of its own', async () => {
      const list = await server.requests.get(pods);
      expect(list).toMatchObject({ kind: 'PodList', apiVersion: 'v1' });
      expect((list.items as ApiObject[])[0]!.kind).toBeUndefined();
    });

    it('goes across namespaces', async () => {
      const all = await server.requests.items('/api/v1/pods', { labelSelector: 'color=red' });
      expect(all.map(({ metadata }) => metadata.namespace)).toContain(namespace);
    });
  });

  describe('a watch', () => {
    it('tells what happens from a version on', async () => {
      await server.requests.create(pods, pod('before'));
      const { metadata } = await server.requests.get(pods);
      await server.requests.create(pods, pod('a'));
      const next = watching(pods, { resourceVersion: metadata.resourceVersion! });
      expect(await next()).toMatchObject({ type: 'ADDED', object: { kind: 'Pod', metadata: { name: 'a' } } });
      await server.requests.patch(`${pods}/a`, { metadata: { labels: { color: 'red' } } });
      expect(await next()).toMatchObject({
        type: 'MODIFIED',
        object: { metadata: { labels: { color: 'red' } } },
      });
      await server.requests.delete(`${pods}/a`);
      // the real one marks it before it removes it
      const events = [await next()];
      if (events[0]!.type === 'MODIFIED') events.push(await next());
      expect(events.at(-1)).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'a' } } });
    });

    it('begins with what there is, where it names no version', async () => {
      await server.requests.create(pods, pod('a'));
      const next = watching(pods);
      expect(await next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    });

    it('deletes, for who watches, what no longer matches', async () => {
      const { metadata } = await server.requests.create(pods, pod('a'));
      const next = watching(pods, { resourceVersion: metadata.resourceVersion!, labelSelector: 'color=red' });
      await server.requests.patch(`${pods}/a`, { metadata: { labels: { color: 'red' } } });
      expect((await next()).type).toBe('ADDED');
      await server.requests.patch(`${pods}/a`, { metadata: { labels: { color: 'blue' } } });
      expect((await next()).type).toBe('DELETED');
    });

    it('ends when its time is over', async () => {
      const { metadata } = await server.requests.get(pods);
      const query = { resourceVersion: metadata.resourceVersion!, timeoutSeconds: 1 };
      const events: WatchEvent[] = [];
      for await (const event of server.requests.watch(pods, query)) events.push(event);
      expect(events).toEqual([]);
    });

    it('cannot go on from before an outage', async () => {
      const { metadata } = await server.requests.create(pods, pod('a'));
      const { resourceVersion } = metadata;
      await server.requests.patch(`${pods}/a`, { metadata: { labels: { color: 'red' } } });
      await server.outage();
      const next = watching(pods, { resourceVersion: resourceVersion! });
      expect(await next()).toMatchObject({
        type: 'ERROR',
        object: { kind: 'Status', code: 410, reason: 'Expired' },
      });
    });
  });

  describe('a deletion', () => {
    async function running(name: string): Promise<ApiObject> {
      await server.requests.create(pods, pod(name));
      const binding = { metadata: { name }, target: { kind: 'Node', name: 'there' } };
      await server.requests.create(`${pods}/${name}/binding`, binding);
      return server.requests.patch(`${pods}/${name}/status`, { status: { phase: 'Running' } });
    }

    it('is done at once for a pod that is on no node', async () => {
      await server.requests.create(pods, pod('a'));
      await server.requests.delete(`${pods}/a`);
      expect(await names({})).toEqual([]);
    });

    it("waits for a running pod's kubelet", async () => {
      await running('a');
      const going = await server.requests.delete(`${pods}/a`, { gracePeriodSeconds: 20 });
      expect(going.metadata).toMatchObject({
        deletionTimestamp: expect.any(String),
        deletionGracePeriodSeconds: 20,
      });
      expect(await names({})).toEqual(['a']);
      await server.requests.delete(`${pods}/a`, { gracePeriodSeconds: 0 });
      expect(await names({})).toEqual([]);
    });

    it('takes the grace that the pod asks for, and can be made shorter', async () => {
      await running('a');
      const first = await server.requests.delete(`${pods}/a`);
      expect(first.metadata.deletionGracePeriodSeconds).toBe(30);
      const second = await server.requests.delete(`${pods}/a`, { gracePeriodSeconds: 5 });
      expect(second.metadata.deletionGracePeriodSeconds).toBe(5);
    });

    it('is refused for another object of the name', async () => {
      await server.requests.create(pods, pod('a'));
      const refused = server.requests.delete(`${pods}/a`, { preconditions: { uid: randomUUID() } });
      expect(await refusalOf(refused)).toEqual({ status: 409, reason: 'Conflict' });
      expect(await names({})).toEqual(['a']);
      expect((await refusalOf(server.requests.delete(`${pods}/absent`))).status).toBe(404);
    });

    it('waits for finalizers', async () => {
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      await server.requests.create(path, { metadata: { name: 'a', finalizers: ['a.example/wait'] } });
      await server.requests.delete(`${path}/a`);
      const waiting = await server.requests.get(`${path}/a`);
      expect(waiting.metadata.deletionTimestamp).toBeTypeOf('string');
      await server.requests.patch(`${path}/a`, { metadata: { finalizers: null } });
      expect((await refusalOf(server.requests.get(`${path}/a`))).status).toBe(404);
    });

    it('keeps owners as they were written', async () => {
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: randomUUID(), controller: true };
      const owned = pod('a');
      owned.metadata.ownerReferences = [owner];
      const created = await server.requests.create(pods, owned);
      expect(created.metadata.ownerReferences).toEqual([owner]);
    });

    it('of a selection takes all of it', async () => {
      await server.requests.create(pods, pod('a', { color: 'red' }));
      await server.requests.create(pods, pod('b', { color: 'blue' }));
      await server.requests.send('DELETE', pods, undefined, { query: { labelSelector: 'color=red' } });
      expect(await names({})).toEqual(['b']);
    });

    it('by eviction is one', async () => {
      await server.requests.create(pods, pod('a'));
      const eviction = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'a', namespace } };
      await server.requests.create(`${pods}/a/eviction`, eviction);
      expect(await names({})).toEqual([]);
    });
  });

  describe('a kind of our own', () => {
    const plural = `things${randomUUID().slice(0, 4)}`;
    const group = 'test.example.org';
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, kind: 'Thing' },
        versions: [
          {
            name: 'v1alpha1',
            served: true,
            storage: true,
            subresources: {
              status: {},
              scale: { specReplicasPath: '.spec.count', statusReplicasPath: '.status.count' },
            },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    required: ['size'],
                    properties: {
                      size: { type: 'integer', minimum: 1 },
                      color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                      count: { type: 'integer' },
                      limit: { 'x-kubernetes-int-or-string': true },
                      env: { type: 'object', additionalProperties: { type: 'string' } },
                    },
                  },
                  status: {
                    type: 'object',
                    properties: {
                      phase: { type: 'string' },
                      count: { type: 'integer' },
                      conditions: {
                        type: 'array',
                        'x-kubernetes-list-type': 'map',
                        'x-kubernetes-list-map-keys': ['type'],
                        items: {
                          type: 'object',
                          required: ['type', 'status'],
                          properties: { type: { type: 'string' }, status: { type: 'string' } },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        ],
      },
    };
    let things: string;

    beforeAll(async () => {
      if (!isThere) return;
      await server.requests.create(definitions, definition);
      const url = `/apis/${group}/v1alpha1/${plural}`;
      await vi.waitFor(() => server.requests.get(url), { timeout: 50_000 }); // served soon after it is accepted
    });
    beforeEach(() => {
      things = `/apis/${group}/v1alpha1/namespaces/${namespace}/${plural}`;
    });

    function thing(name: string, spec: Record<string, unknown>): ApiObject {
      return { apiVersion: `${group}/v1alpha1`, kind: 'Thing', metadata: { name }, spec };
    }

    it('is established', async () => {
      const { status } = await server.requests.get(`${definitions}/${plural}.${group}`);
      expect(status).toMatchObject({
        conditions: expect.arrayContaining([
          expect.objectContaining({ type: 'Established', status: 'True' }),
        ]),
      });
    });

    it('gets its defaults, loses what it does not know, and counts its generations', async () => {
      const created = await server.requests.create(things, {
        ...thing('a', { size: 1, odd: true }),
        status: { phase: 'x' },
      });
      expect(created.spec).toEqual({ size: 1, color: 'red' });
      expect(created.status).toBeUndefined();
      expect(created.metadata.generation).toBe(1);
      const changed = await server.requests.patch(`${things}/a`, { spec: { size: 2 } });
      expect(changed.metadata.generation).toBe(2);
      const labelled = await server.requests.patch(`${things}/a`, { metadata: { labels: { x: 'y' } } });
      expect(labelled.metadata.generation).toBe(2);
      const told = await server.requests.patch(`${things}/a/status`, {
        spec: { size: 9 },
        status: { phase: 'Ready' },
      });
      expect(told).toMatchObject({
        metadata: { generation: 2 },
        spec: { size: 2 },
        status: { phase: 'Ready' },
      });
    });

    it('is refused where its schema forbids', async () => {
      const refused = async (spec: Record<string, unknown>) =>
        refusalOf(server.requests.create(things, thing('a', spec)));
      for (const spec of [
        {},
        { size: 0 },
        { size: 'big' },
        { size: 1, color: 'green' },
        { size: 1, env: { A: 1 } },
      ])
        expect(await refused(spec), JSON.stringify(spec)).toEqual({ status: 422, reason: 'Invalid' });
      const free = { size: 1, limit: '10%', env: { A: 'x' } };
      expect((await server.requests.create(things, thing('b', free))).spec).toMatchObject(free);
    });

    it('has its kind in lists, too', async () => {
      await server.requests.create(things, thing('a', { size: 1 }));
      const [only] = await server.requests.items(things);
      expect(only).toMatchObject({ kind: 'Thing', apiVersion: `${group}/v1alpha1` });
    });

    it('takes its status by apply, from two managers', async () => {
      await server.requests.create(things, thing('a', { size: 1 }));
      const tell = (fieldManager: string, status: object): Promise<ApiObject> => {
        const { spec: _spec, ...object } = thing('a', {});
        return server.requests.patch(`${things}/a/status`, { ...object, status }, APPLY_PATCH, {
          fieldManager,
        });
      };
      const conditions = [{ type: 'Ready', status: 'True' }];
      await tell('one', { conditions });
      const told = await tell('two', { phase: 'Warm' });
      expect(told.spec).toEqual({ size: 1, color: 'red' });
      expect(told.status).toEqual({ phase: 'Warm', conditions });
      expect((await tell('one', {})).status).toEqual({ phase: 'Warm' });
    });

    it('forgets what is applied no more, where its status is applied by another manager', async () => {
      const { spec: _spec, ...object } = thing('a', {});
      const apply = (fieldManager: string, part: string, fields: object): Promise<ApiObject> =>
        server.requests.patch(`${things}/a${part}`, { ...object, ...fields }, APPLY_PATCH, { fieldManager });
      await apply('one', '', { spec: { size: 1, color: 'blue' } });
      await apply('one-status', '/status', { status: { phase: 'Warm' } });
      const applied = await apply('one', '', { spec: { size: 1 } });
      expect(applied).toMatchObject({ spec: { size: 1, color: 'red' }, status: { phase: 'Warm' } });
    });

    it('scales', async () => {
      await server.requests.create(things, thing('a', { size: 1, count: 2 }));
      const scale = await server.requests.get(`${things}/a/scale`);
      expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { replicas: 0 } });
      await server.requests.patch(`${things}/a/scale`, { spec: { replicas: 5 } });
      expect(await server.requests.get(`${things}/a`)).toMatchObject({
        spec: { count: 5 },
        metadata: { generation: 2 },
      });
    });

    it('has to be of a structural schema', async () => {
      const [version] = definition.spec.versions;
      const loose = { openAPIV3Schema: { type: 'object', properties: { spec: { properties: {} } } } };
      const broken = {
        ...definition,
        metadata: { name: `loose.${group}` },
        spec: {
          ...definition.spec,
          names: { plural: 'loose', kind: 'Loose' },
          versions: [{ ...version, schema: loose }],
        },
      };
      expect(await refusalOf(server.requests.create(definitions, broken))).toEqual({
        status: 422,
        reason: 'Invalid',
      });
    });
  });

  it('is away during an outage, and has kept everything', async () => {
    const { metadata } = await server.requests.create(pods, pod('a'));
    await server.outage(async () => {
      await expect(server.requests.get(pods)).rejects.toThrow();
    });
    expect((await server.requests.get(`${pods}/a`)).metadata.uid).toBe(metadata.uid);
  });

  it('tells what it serves', async () => {
    expect(await server.requests.text('GET', '/readyz')).toBe('ok');
    expect(await server.requests.get('/version')).toMatchObject({ major: '1' });
    const { resources } = await server.requests.get('/api/v1');
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'pods', kind: 'Pod', namespaced: true }),
    );
    const { groups } = await server.requests.get('/apis');
    expect(groups).toContainEqual(expect.objectContaining({ name: 'coordination.k8s.io' }));
  });
});
