import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiObject } from '../api-requests.ts';
import type { ApiServer } from '../api-server.ts';
import { type ApiContract, pod, refusalOf } from './api-contract.ts';

/** Deleting, with grace and without. */
export function deletionRules(api: ApiContract): void {
  let server: ApiServer;
  let namespace: string;
  let pods: string;
  beforeEach(() => {
    ({ server, namespace, pods } = api.there);
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
      expect(await api.names({})).toEqual([]);
    });

    it("waits for a running pod's kubelet", async () => {
      await running('a');
      const going = await server.requests.delete(`${pods}/a`, { gracePeriodSeconds: 20 });
      expect(going.metadata).toMatchObject({
        deletionTimestamp: expect.any(String),
        deletionGracePeriodSeconds: 20,
      });
      expect(await api.names({})).toEqual(['a']);
      await server.requests.delete(`${pods}/a`, { gracePeriodSeconds: 0 });
      expect(await api.names({})).toEqual([]);
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
      expect(await api.names({})).toEqual(['a']);
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
      expect(await api.names({})).toEqual(['b']);
    });

    it('by eviction is one', async () => {
      await server.requests.create(pods, pod('a'));
      const eviction = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'a', namespace } };
      await server.requests.create(`${pods}/a/eviction`, eviction);
      expect(await api.names({})).toEqual([]);
    });
  });
}
