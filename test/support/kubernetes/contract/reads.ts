import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiObject, WatchEvent } from '../api-requests.ts';
import type { ApiServer } from '../api-server.ts';
import { type ApiContract, pod, refusalOf } from './api-contract.ts';

/** Listing and watching. */
export function readRules(api: ApiContract): void {
  let server: ApiServer;
  let namespace: string;
  let pods: string;
  beforeEach(() => {
    ({ server, namespace, pods } = api.there);
  });

  describe('a list', () => {
    beforeEach(async () => {
      await server.requests.create(pods, pod('a', { color: 'red', size: 'big' }));
      await server.requests.create(pods, pod('b', { color: 'blue' }));
      await server.requests.create(pods, pod('c', { color: 'green', size: 'big' }));
    });

    it('selects by labels', async () => {
      expect(await api.names({ labelSelector: 'color=red' })).toEqual(['a']);
      expect(await api.names({ labelSelector: 'color!=red' })).toEqual(['b', 'c']);
      expect(await api.names({ labelSelector: 'color in (red,blue)' })).toEqual(['a', 'b']);
      expect(await api.names({ labelSelector: 'color notin (red,blue),size=big' })).toEqual(['c']);
      expect(await api.names({ labelSelector: 'size' })).toEqual(['a', 'c']);
      expect(await api.names({ labelSelector: '!size' })).toEqual(['b']);
      expect((await refusalOf(api.names({ labelSelector: 'color in (' }))).status).toBe(400);
    });

    it('selects by fields', async () => {
      const binding = { metadata: { name: 'b' }, target: { kind: 'Node', name: 'there' } };
      await server.requests.create(`${pods}/b/binding`, binding);
      expect(await api.names({ fieldSelector: 'metadata.name=a' })).toEqual(['a']);
      expect(await api.names({ fieldSelector: 'spec.nodeName=there' })).toEqual(['b']);
      expect(await api.names({ fieldSelector: 'spec.nodeName=' })).toEqual(['a', 'c']);
      expect(await api.names({ fieldSelector: 'status.phase!=Pending' })).toEqual([]);
      expect((await refusalOf(api.names({ fieldSelector: 'spec.image=x' }))).status).toBe(400);
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
      const next = api.watching(pods, { resourceVersion: metadata.resourceVersion! });
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
      const next = api.watching(pods);
      expect(await next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    });

    it('deletes, for who watches, what no longer matches', async () => {
      const { metadata } = await server.requests.create(pods, pod('a'));
      const next = api.watching(pods, {
        resourceVersion: metadata.resourceVersion!,
        labelSelector: 'color=red',
      });
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
      const next = api.watching(pods, { resourceVersion: resourceVersion! });
      expect(await next()).toMatchObject({
        type: 'ERROR',
        object: { kind: 'Status', code: 410, reason: 'Expired' },
      });
    });
  });
}
