import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { APPLY_PATCH, type ApiObject } from '../api-requests.ts';
import type { ApiServer } from '../api-server.ts';
import { type ApiContract, refusalOf } from './api-contract.ts';

/** CustomResourceDefinitions and the objects of their kinds. */
export function customKindRules(api: ApiContract): void {
  let server: ApiServer;
  let namespace: string;
  beforeEach(() => {
    ({ server, namespace } = api.there);
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
      if (api.server === undefined) return;
      await api.server.requests.create(definitions, definition);
      const url = `/apis/${group}/v1alpha1/${plural}`;
      // served soon after it is accepted
      await vi.waitFor(() => api.server!.requests.get(url), { timeout: 50_000 });
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
}
