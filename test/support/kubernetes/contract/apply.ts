import { beforeEach, describe, expect, it } from 'vitest';
import { APPLY_PATCH, type ApiObject } from '../api-requests.ts';
import type { ApiServer } from '../api-server.ts';
import { type ApiContract, refusalOf } from './api-contract.ts';

/** Server-side apply. */
export function applyRules(api: ApiContract): void {
  let server: ApiServer;
  let namespace: string;
  let pods: string;
  beforeEach(() => {
    ({ server, namespace, pods } = api.there);
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
}
