import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from '../api-server.ts';
import { type ApiContract, pod, refusalOf } from './api-contract.ts';

/** What every object is subject to. */
export function objectRules(api: ApiContract): void {
  let server: ApiServer;
  let namespace: string;
  let pods: string;
  beforeEach(() => {
    ({ server, namespace, pods } = api.there);
  });

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
      // pods have had one since Kubernetes 1.34
      expect(created.metadata.generation).toBeOneOf([undefined, 1]);
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
}
