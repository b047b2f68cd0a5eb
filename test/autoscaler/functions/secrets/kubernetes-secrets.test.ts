import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { KubernetesSecrets } from '../../../../autoscaler/functions/secrets/kubernetes-secrets.ts';
import { MAX_SECRET_BYTES } from '../../../../autoscaler/functions/secrets/secret-store.ts';
import { connect } from '../../../../autoscaler/kubernetes/connection.ts';
import { systemClock } from '../../../../models/base/clock.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../../support/kubernetes/api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await openApiServer();
}, 120_000);
afterAll(() => server.close());

let namespace: string;
let secrets: KubernetesSecrets;
beforeEach(async () => {
  namespace = await newNamespace(server);
  const connection = await connect({ kubeconfig: server.kubeconfig, namespace });
  onTestFinished(() => connection.close());
  secrets = new KubernetesSecrets(connection, systemClock);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function contentOf(name: string): Promise<Buffer> {
  const { data } = await server.requests.get(`/api/v1/namespaces/${namespace}/secrets/${name}`);
  const content = data as Record<string, string>;
  expect(Object.keys(content)).toEqual([name]); // the file's name where instances read it
  return Buffer.from(content[name]!, 'base64');
}

describe('secrets of a cluster', () => {
  it('are created once, replaced, listed by name and removed', async () => {
    expect(await secrets.list()).toEqual([]);
    await secrets.create('token', bytes('one'));
    await secrets.create('a.key', Uint8Array.of(0, 255));
    expect(await secrets.list()).toEqual(['a.key', 'token']);
    expect(await contentOf('a.key')).toEqual(Buffer.from([0, 255]));
    await expect(secrets.create('token', bytes('two'))).rejects.toMatchObject({ code: 'SECRET_EXISTS' });
    expect(String(await contentOf('token'))).toBe('one');
    await secrets.replace('token', bytes('two'));
    expect(String(await contentOf('token'))).toBe('two');
    await secrets.remove('token');
    expect(await secrets.list()).toEqual(['a.key']);
    const refused = { code: 'SECRET_NOT_FOUND' };
    await expect(secrets.remove('token')).rejects.toMatchObject(refused);
    await expect(secrets.replace('token', bytes('three'))).rejects.toMatchObject(refused);
  });

  it('of others are neither shown nor touched', async () => {
    const path = `/api/v1/namespaces/${namespace}/secrets`;
    const theirs = { metadata: { name: 'theirs' }, data: { theirs: 'b25l' } };
    await server.requests.create(path, { apiVersion: 'v1', kind: 'Secret', ...theirs });
    expect(await secrets.list()).toEqual([]);
    // functions may name them
    expect([await secrets.has('theirs'), await secrets.has('nobodys')]).toEqual([true, false]);
    const refused = { code: 'SECRET_NOT_FOUND' };
    await expect(secrets.replace('theirs', bytes('two'))).rejects.toMatchObject(refused);
    await expect(secrets.remove('theirs')).rejects.toMatchObject(refused);
    await expect(secrets.create('theirs', bytes('two'))).rejects.toMatchObject({ code: 'SECRET_EXISTS' });
    expect(String(await contentOf('theirs'))).toBe('one');
  });

  it('are refused with a sentence where the name or the size is not right', async () => {
    for (const name of ['', '../up', 'UPPER', '.dot', 'a/b', 'x'.repeat(254)]) {
      await expect(secrets.create(name, bytes('x')), name).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(secrets.remove(name), name).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    }
    await expect(secrets.create('big', new Uint8Array(MAX_SECRET_BYTES + 1))).rejects.toThrow(/1048576/);
    await secrets.create('full', new Uint8Array(MAX_SECRET_BYTES));
  });
});
