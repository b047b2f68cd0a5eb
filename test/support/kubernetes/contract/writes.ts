import { beforeEach, describe, expect, it } from 'vitest';
import { JSON_PATCH } from '../api-requests.ts';
import type { ApiServer } from '../api-server.ts';
import { type ApiContract, pod, refusalOf } from './api-contract.ts';

/** Replacing and patching. */
export function writeRules(api: ApiContract): void {
  let server: ApiServer;
  let pods: string;
  let leases: string;
  beforeEach(() => {
    ({ server, pods, leases } = api.there);
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
}
